"""Energy counters of hardware, read at the ticks nearest to the edges of a window.

A counter moves in ticks (NVML about every 100 ms, RAPL every 1 ms). An edge that waits for the
next tick is off by the time between two looks; one that does not, by up to a whole tick.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.counter.accumulator import Accumulator, Level
from energy_sweep.meter.counter.accumulator import Counter as Counter
from energy_sweep.meter.source import EdgeReading, SourceReading
from energy_sweep.record import DomainEnergy, MeterFacts, Quality

# An edge waits for a tick where the mark is at least so many ticks long: waiting then makes it at
# most a fifth longer, by idle joules, where the tick that is not waited for is one of busy ones.
ALIGNED_TICKS = 5
# While an edge waits it looks so many times a tick, asleep between looks: a loop that never
# sleeps would keep a core busy, and those joules are on the bill of the mark.
LOOKS_PER_TICK = 20
# Open windows are looked at so often: what a reset may hide is what is drawn between two looks.
WATCH_SECONDS = 1.0
# 95 % of an error that is uniform over an interval of length 1.
UNIFORM_95 = 1.96 / math.sqrt(12)


class CounterSource:
    """The counters of one kind, with what they have in common; `clock` and `sleep` are of time."""

    def __init__(
        self,
        counters: Sequence[Counter],
        facts: MeterFacts,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._counters = tuple(counters)
        self._sums = tuple(Accumulator(counter, clock) for counter in counters)
        self._facts = facts
        self._sleep = sleep
        self._keeper = CounterPoller(self._sums, watch_seconds(counters))

    def facts(self) -> MeterFacts:
        """What is common to all readings."""
        return self._facts

    @contextmanager
    def begin(self) -> Generator[EdgeReading]:
        """Wait for a tick of every counter, and from there read what it gains."""
        with self._keeper.polling():
            last = self._align(self._read_levels())
            before, watts = [0.0] * len(last), [0.0] * len(last)

            def read() -> SourceReading:
                nonlocal last
                start, last = last, self._edge(last)
                for index, counter in enumerate(self._counters):
                    now = likely_watts(counter, start[index], last[index])
                    before[index], watts[index] = watts[index], now
                parts = map(self._energy, self._counters, start, last, before, watts)
                return SourceReading(domains=tuple(parts))

            yield read

    def close(self) -> None:
        """Nothing is held between windows."""

    def _read_levels(self) -> list[Level]:
        return [total.update_now() for total in self._sums]

    def _edge(self, start: Sequence[Level]) -> list[Level]:
        """Levels now, at a tick where the interval is long enough to bear the wait."""
        now = self._read_levels()
        wait = False
        for counter, then, level in zip(self._counters, start, now, strict=True):
            _check(counter, then, level)
            long = level.seconds - then.seconds >= ALIGNED_TICKS * counter.tick_seconds
            wait = wait or long or level.counts == then.counts
        return self._align(now) if wait else now

    def _align(self, levels: Sequence[Level]) -> list[Level]:
        """Levels at the next tick of each counter; raises ReadingLost where none comes."""
        found, looked = list(levels), [level.seconds for level in levels]
        waiting = set(range(len(found)))
        while waiting:
            shortest = min(self._counters[index].tick_seconds for index in waiting)
            self._sleep(shortest / LOOKS_PER_TICK)
            for index in sorted(waiting):
                counter, asked = self._counters[index], levels[index]
                level = self._sums[index].update_now()
                _check(counter, asked, level)
                waited = level.seconds - asked.seconds
                if level.counts != asked.counts:
                    late = level.seconds - looked[index]
                    found[index] = replace(level, late_seconds=late, waited_seconds=waited)
                    waiting.discard(index)
                looked[index] = level.seconds
        return found

    def _energy(
        self, counter: Counter, start: Level, end: Level, before: float, watts: float
    ) -> DomainEnergy:
        """What was gained at `watts`, after a mark at `before` watts (the first one: at none)."""
        # Both edges are late, which takes joules from one side and gives them to the other: where
        # both are as late and as dear, it is the difference of two such errors.
        edge = max(start.late_seconds * max(before, watts), end.late_seconds * watts)
        # While an edge waits the work is over, but the window is not: joules that are too many.
        idle = watts if counter.idle_watts is None else min(counter.idle_watts, watts)
        step = UNIFORM_95 * math.sqrt(2) * counter.joules_per_count
        return DomainEnergy(
            domain=counter.domain,
            joules=(end.counts - start.counts) * counter.joules_per_count,
            uncertainty_joules=idle * end.waited_seconds + math.hypot(edge, step),
            source=self._facts.sources[0],
            quality=Quality.COUNTER,
            edge_joules=edge,
        )


class CounterPoller:
    """Looks at counters in the background of open windows, so that nothing they do is missed."""

    def __init__(self, sums: Sequence[Accumulator], every_seconds: float) -> None:
        self._sums = sums
        self._every = every_seconds
        self._open = 0
        self._stop = threading.Event()
        self._watch: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def polling(self) -> Generator[None]:
        """Watch while the body runs; bodies may nest and overlap."""
        with self._lock:
            self._open += 1
            if self._open == 1:
                self._stop = threading.Event()
                self._watch = threading.Thread(target=self._run, args=(self._stop,), daemon=True)
                self._watch.start()
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                last = self._open == 0
                if last:
                    self._stop.set()
                watch = self._watch
            if last and watch is not None:
                watch.join(1.0)  # what it reads may go away with the window

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._every):
            for total in self._sums:
                with suppress(ReadingLost):  # an edge that meets the same trouble says so
                    total.update_now()


def watch_seconds(counters: Sequence[Counter]) -> float:
    """Seconds between looks that leave nothing unseen."""
    spans = [c.span * c.joules_per_count / c.most_watts for c in counters if c.span is not None]
    return min([WATCH_SECONDS, *(max(span / 10, 0.01) for span in spans)])


def likely_watts(counter: Counter, start: Level, end: Level) -> float:
    """Mean watts between two edges, rather too many: what was gained took a tick at least."""
    seconds = end.seconds - start.seconds - end.late_seconds
    gained = (end.counts - start.counts) * counter.joules_per_count
    return gained / max(seconds, counter.tick_seconds)


def _check(counter: Counter, start: Level, end: Level) -> None:
    if start.breaks != end.breaks:
        raise ReadingLost(f"{counter.label} {end.trouble}: its joules are unknown")

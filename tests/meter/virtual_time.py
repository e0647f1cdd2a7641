"""Counters that a test makes up, and time that passes only when the test says so."""

from __future__ import annotations

import bisect
import random
from collections.abc import Callable

from energy_sweep.meter.counter.source import Counter, CounterSource
from energy_sweep.record import MeterFacts, Quality

UNIT = 1e-6
FACTS = MeterFacts(sources=("test",), domains=("cpu:0",), quality=Quality.COUNTER)


def counter(
    read: Callable[[], int] = int,
    *,
    span: int | None = None,
    tick: float = 0.001,
    most_watts: float = 2000.0,
    idle_watts: float | None = None,
    unit: float = UNIT,
) -> Counter:
    return Counter(
        domain="cpu:0",
        label="the counter",
        read=read,
        joules_per_count=unit,
        tick_seconds=tick,
        span=span,
        idle_watts=idle_watts,
        most_watts=most_watts,
    )


class World:
    """Time that passes only when it is told to, and a counter that shows power up to a tick."""

    def __init__(self, seed: int = 0, *, tick: float = 0.001, watts: float = 40.0) -> None:
        self.random = random.Random(seed)
        self.tick = tick
        self.now = self.random.uniform(0, 10 * tick)
        self.reads = 0
        self._since, self._joules, self._watts = [0.0], [0.0], [watts]
        self._ticks = [-self.random.random() * tick]

    def draw(self, watts: float) -> None:
        """Draw so much from now on."""
        joules = self.joules(self.now)
        self._since.append(self.now)
        self._joules.append(joules)
        self._watts.append(watts)

    def joules(self, moment: float) -> float:
        index = bisect.bisect_right(self._since, moment) - 1
        past = max(moment, 0.0) - self._since[index]
        return self._joules[index] + self._watts[index] * past

    def shown(self) -> int:
        """What the counter has counted up to its last tick."""
        while self._ticks[-1] <= self.now:
            self._ticks.append(self._ticks[-1] + self.tick * self.random.uniform(0.9, 1.1))
        last = self._ticks[bisect.bisect_right(self._ticks, self.now) - 1]
        return int(self.joules(last) / UNIT)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.random.uniform(50e-6, 100e-6)

    def source(
        self,
        *,
        span: int | None = None,
        idle_watts: float | None = None,
        most_watts: float = 2000.0,
    ) -> CounterSource:
        def read() -> int:
            self.reads += 1
            self.now += 15e-6
            return self.shown() if span is None else self.shown() % span

        one = counter(read, span=span, tick=self.tick, idle_watts=idle_watts, most_watts=most_watts)
        return CounterSource([one], FACTS, clock=self.clock, sleep=self.sleep)

"""Joules from power that is read again and again: for boards without an energy counter."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.source import EdgeReading, SourceReading
from energy_sweep.record import DomainEnergy, MeterFacts, Quality

# Boards make a new reading every 20 ms to 100 ms, so more looks than this cost and tell nothing.
EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One reading of watts, up to `late_seconds` old; `read` raises ReadingLost."""

    domain: str
    read: Callable[[], float]
    late_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Power between two edges: joules by the trapezoid rule, and the samples behind them."""

    joules: float
    seconds: float
    samples: tuple[float, ...]


class Trapezoid:
    """The joules under the samples of one gauge; safe to share by threads."""

    def __init__(self, gauge: Gauge, clock: Callable[[], float] = time.monotonic) -> None:
        self._gauge = gauge
        self._clock = clock
        self._lock = threading.Lock()
        self._trouble: ReadingLost | None = None
        self._last: tuple[float, float] | None = None
        self._samples: list[float] = []
        self._joules = self._seconds = 0.0

    def sample(self) -> bool:
        """Read the gauge now; what goes wrong is kept for the next edge, and ends the sampling."""
        with self._lock:
            if self._trouble is None:
                try:
                    self._take(self._gauge.read(), self._clock())
                except ReadingLost as trouble:
                    self._trouble = trouble
            return self._trouble is None

    def edge(self) -> Stretch:
        """Read the gauge, and end the stretch there; raises ReadingLost."""
        self.sample()
        with self._lock:
            if self._trouble is not None:
                raise ReadingLost(str(self._trouble)) from self._trouble
            stretch = Stretch(
                joules=self._joules, seconds=self._seconds, samples=tuple(self._samples)
            )
            self._joules, self._seconds, self._samples = 0.0, 0.0, self._samples[-1:]
            return stretch

    def _take(self, watts: float, now: float) -> None:
        if self._last is not None:
            then, before = self._last
            self._joules += (before + watts) / 2 * (now - then)
            self._seconds += now - then
        self._last = (now, watts)
        self._samples.append(watts)


class PowerSource:
    """Samples gauges in the background of open windows, and at their edges."""

    def __init__(self, gauges: Sequence[Gauge], facts: MeterFacts) -> None:
        self._gauges = tuple(gauges)
        self._facts = facts

    def facts(self) -> MeterFacts:
        """What is common to all readings."""
        return self._facts

    @contextmanager
    def begin(self) -> Generator[EdgeReading]:
        """Take the first sample, and more until the window is closed."""
        curves = [Trapezoid(gauge) for gauge in self._gauges]
        for curve in curves:
            curve.edge()

        def read() -> SourceReading:
            ends = [curve.edge() for curve in curves]
            return SourceReading(domains=tuple(map(self._energy, self._gauges, ends)))

        stop = threading.Event()
        thread = threading.Thread(target=_watch, args=(curves, stop), daemon=True)
        thread.start()
        try:
            yield read
        finally:
            stop.set()
            thread.join(1.0)  # a driver that hangs must not hang the end of the window

    def close(self) -> None:
        """Nothing is held between windows."""

    def _energy(self, gauge: Gauge, stretch: Stretch) -> DomainEnergy:
        # The work may begin and end right after a reading was made, which the samples on either
        # side then smear over the time between them.
        late = gauge.late_seconds + EVERY_SECONDS / 2
        edge = late * max(stretch.samples)
        return DomainEnergy(
            domain=gauge.domain,
            joules=stretch.joules,
            uncertainty_joules=math.hypot(edge, sampling_error(stretch)),
            source=self._facts.sources[0],
            quality=Quality.INTEGRATED,
            edge_joules=edge,
        )


def sampling_error(stretch: Stretch) -> float:
    """95 % error in joules of a mean over samples, as if they were drawn by chance.

    Some boards look at a quarter of the time only, so what happens between samples is not seen.
    """
    count = len(stretch.samples)
    mean = math.fsum(stretch.samples) / count
    spread = math.fsum((watts - mean) ** 2 for watts in stretch.samples)
    if count < 2:
        return 0.0
    return 1.96 * math.sqrt(spread / (count - 1) / count) * stretch.seconds


def _watch(curves: Sequence[Trapezoid], stop: threading.Event) -> None:
    while not stop.wait(EVERY_SECONDS):
        if not all([curve.sample() for curve in curves]):
            return

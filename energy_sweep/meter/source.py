"""A meter made of sources: each gives the joules of its own domains, edge by edge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from energy_sweep.meter.base import LapReading, ReadingLost, Window, Work, exclusive_window
from energy_sweep.meter.contention import ContentionMonitor
from energy_sweep.meter.lock import WindowLock
from energy_sweep.meter.turn import DeviceTurn
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """What one source adds to a reading: joules of its domains, and raw terms of an estimate."""

    domains: tuple[DomainEnergy, ...]
    terms: dict[str, float] = field(default_factory=dict[str, float])


# Reads the joules since the last call (the first time: since the window opened). Raises
# ReadingLost where the joules of a domain cannot be known.
EdgeReading = Callable[[], SourceReading]


class EnergySource(Protocol):
    """Joules of some domains, from one kind of counter or model."""

    def facts(self) -> MeterFacts:
        """What all its readings have in common, the same for every window."""
        ...

    def begin(self) -> AbstractContextManager[EdgeReading]:
        """Read the opening edge; what samples in the background does so until the exit."""
        ...

    def close(self) -> None:
        """Give back what the source holds; closing twice does nothing."""
        ...


class SourceMeter:
    """Reads several sources of disjoint domains at common edges, in the order given.

    `resources` are locked while a window is open; `synchronize` waits for work queued on a device
    and is called before every edge. `monitor` see what other programs do meanwhile. `why` says
    what was not taken, and is kept in the facts. `board` is that of all readings.
    """

    def __init__(
        self,
        sources: Sequence[EnergySource],
        *,
        resources: Sequence[str],
        monitor: ContentionMonitor,
        synchronize: Callable[[], None] | None = None,
        why: str = "",
        board: str = "",
    ) -> None:
        self._board = board
        self._sources = tuple(sources)
        self._facts = merge_facts([source.facts() for source in sources], why=why)
        self._monitor = monitor
        self._synchronize = synchronize
        self._lock = WindowLock(resources)
        self.turn = DeviceTurn(resources)

    def facts(self) -> MeterFacts:
        """The facts of all sources; the scale band is the widest of theirs."""
        return self._facts

    def window(self, work: Work) -> AbstractContextManager[Window]:
        """Measure the body of a `with`, alone on the devices and CPU packages that are read."""
        return exclusive_window(work, self._begin, self._lock.hold())

    def close(self) -> None:
        """Close every source."""
        for source in self._sources:
            source.close()

    def _begin(self, stack: ExitStack) -> LapReading:
        self._wait()
        reads = [stack.enter_context(source.begin()) for source in self._sources]
        # The clock right behind the counters: looking at other programs takes its time.
        last = time.monotonic()
        epoch = time.time() - last
        look = self._monitor.begin()
        lost: ReadingLost | None = None

        def lap(_: Work) -> EnergyReading:
            nonlocal last, lost
            if lost is not None:
                raise lost  # its sources have no edge in common any more
            self._wait()
            try:
                parts = [read() for read in reads]
            except ReadingLost as error:
                lost = error
                raise
            start, last = last, time.monotonic()
            seen = look()
            return EnergyReading(
                domains=tuple(domain for part in parts for domain in part.domains),
                seconds=last - start,
                started=epoch + start,
                terms={name: value for part in parts for name, value in part.terms.items()},
                contended=seen.contended,
                foreign=seen.foreign,
                peak_memory_bytes=seen.resident_bytes,
                board=self._board,
            )

        return lap

    def _wait(self) -> None:
        if self._synchronize is not None:
            self._synchronize()


def merge_facts(facts: Sequence[MeterFacts], *, why: str = "") -> MeterFacts:
    """The facts of a meter of several sources: worst quality, widest band, largest errors."""
    details = {name: value for one in facts for name, value in one.details.items()}
    return MeterFacts(
        sources=tuple(name for one in facts for name in one.sources),
        domains=tuple(name for one in facts for name in one.domains),
        quality=Quality.worst(one.quality for one in facts),
        scale_band=(
            min(one.scale_band[0] for one in facts),
            max(one.scale_band[1] for one in facts),
        ),
        scale_bands={name: one.scale_band_of(name) for one in facts for name in one.sources},
        coefficients={k: v for one in facts for k, v in one.coefficients.items()},
        repeatability=max(one.repeatability for one in facts),
        repeatability_by_domain={
            domain: one.repeatability_of(domain) for one in facts for domain in one.domains
        },
        tick_seconds=max((one.tick_seconds for one in facts), default=0.0),
        idle_watts={k: v for one in facts for k, v in one.idle_watts.items()},
        details={**details, "why": why} if why else details,
    )

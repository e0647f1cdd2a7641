"""Pools: windows of work that must cost the same, whichever trial they were measured for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from energy_sweep.record import DomainEnergy, EnergyReading, Mark, Quality, StageRecord
from energy_sweep.uncertainty.propagation import consecutive_runs, edges_joules, spread_joules

# How alike two marks of one window are beyond all of their pool: measured, .2 to .6 from one mark
# to the next, so that a window of many is worth about three.
ALIKE = 0.3
# The fact of a record that holds a price of an earlier study, in proportion to one of this study.
REMEMBERED = "remembered price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Joules per unit of work that must cost the same, from `windows` separate windows.

    `spread` is the 95 % uncertainty of the mean within one run of the program, `drift` the limit
    (ISO 5725) between the means of two runs; `quality` is that of the worst of its readings.
    `contended` says that other programs ran in every one of its windows. `by_source` are the joules
    per unit of each source, `by_board` those of each machine and board that it was read on. One of
    an earlier study is taken in proportion to `beside`, a pool that was read in both: `spread` is
    that of the proportion.
    """

    joules_per_unit: float
    seconds_per_unit: float
    spread: float
    drift: float
    windows: int
    quality: Quality
    by_source: dict[str, float]
    by_board: dict[str, float] = field(default_factory=dict[str, float])
    contended: bool = False
    beside: str | None = None

    def times(self, factor: float) -> Pool:
        """The same work when all of it costs so many times the joules; its seconds stay."""
        return replace(
            self,
            joules_per_unit=factor * self.joules_per_unit,
            spread=factor * self.spread,
            drift=factor * self.drift,
            by_source={source: factor * part for source, part in self.by_source.items()},
            by_board={board: factor * part for board, part in self.by_board.items()},
        )


@dataclass(frozen=True, slots=True)
class PoolWindow:
    """Marks that follow each other without a gap; `marks` is how many independent ones that is."""

    time: float
    joules: float
    units: float
    marks: float
    stated: float

    @property
    def log_price(self) -> float:
        return math.log(self.joules / self.units)


def clean_marks(records: Sequence[StageRecord]) -> list[Mark]:
    """The marks that no other program disturbed; all of them where it disturbed them all."""
    marks = [mark for record in records for mark in record.marks]
    return [mark for mark in marks if not mark.reading.contended] or marks


def merge(records: Sequence[StageRecord], repeatability: Callable[[str], float]) -> Pool:
    """The pool of records of one kind of work, of which one has a mark at least."""
    clean = clean_marks(records)
    units = math.fsum(mark.units for mark in clean)
    readings = [mark.reading for mark in clean]
    parts = [part for reading in readings for part in reading.domains]
    return Pool(
        joules_per_unit=math.fsum(reading.joules for reading in readings) / units,
        seconds_per_unit=math.fsum(reading.seconds for reading in readings) / units,
        spread=spread_joules(parts, edges_joules(readings)) / units,
        drift=math.fsum(repeatability(part.domain) * part.joules for part in parts) / units,
        windows=len(records),
        quality=Quality.worst(reading.quality for reading in readings),
        by_source=_by_source(parts, units),
        by_board=_by_board(readings, units),
        contended=all(mark.reading.contended for record in records for mark in record.marks),
        beside=records[0].facts.get(REMEMBERED, {}).get("beside"),
    )


def windows(records: Sequence[StageRecord]) -> list[PoolWindow]:
    """The clean windows whose time is known, in order."""
    timed = [one for one in clean_marks(records) if one.reading.started is not None]
    marks = sorted(
        (one for one in timed if one.reading.joules > 0), key=lambda one: one.reading.started or 0.0
    )
    runs, rest = consecutive_runs(one.reading for one in marks), iter(marks)
    return [_window([next(rest) for _ in run]) for run in runs]


def _window(marks: Sequence[Mark]) -> PoolWindow:
    readings = [mark.reading for mark in marks]
    joules = math.fsum(reading.joules for reading in readings)
    parts: list[DomainEnergy] = [part for reading in readings for part in reading.domains]
    return PoolWindow(
        time=_middle(readings[0], readings[-1]),
        joules=joules,
        units=math.fsum(mark.units for mark in marks),
        marks=len(marks) / (1 + ALIKE * (len(marks) - 1)),
        stated=spread_joules(parts, edges_joules(readings)) / joules,
    )


def _middle(first: EnergyReading, last: EnergyReading) -> float:
    return ((first.started or 0.0) + (last.started or 0.0) + last.seconds) / 2


def _by_board(readings: Sequence[EnergyReading], units: float) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        found[reading.board].append(reading.joules)
    return {board: math.fsum(joules) / units for board, joules in found.items()}


def _by_source(parts: Sequence[DomainEnergy], units: float) -> dict[str, float]:
    sources = dict.fromkeys(part.source for part in parts)
    return {
        source: math.fsum(part.joules for part in parts if part.source == source) / units
        for source in sources
    }

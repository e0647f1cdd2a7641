"""What work costs: joules per unit pooled over equal work, and their uncertainty.

Every configuration is a vector: so many units (epochs, runs, images) of each pool. Its joules are
linear in the pools' means, and so is a difference of two configurations, in which whatever both
share cancels together with its uncertainty.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from energy_sweep.record import (
    TRAINING_STAGES,
    EnergyReading,
    Objective,
    Quality,
    StageRecord,
    TrialResult,
)
from energy_sweep.uncertainty.propagation import edges_joules, spread_joules

Usage = dict[str, float]

# The interval of a difference of two equal readings over that of one reading.
TWO_RUNS = math.sqrt(2)

# Units that are left over where two means of the same work are subtracted.
NO_UNITS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Joules per unit of work that must cost the same, from `windows` separate windows.

    `spread` is the 95 % uncertainty of the mean within one run of the program, `drift` the limit
    (ISO 5725) between the means of two runs; `quality` is that of the worst of its readings.
    `contended` says that other programs ran in every one of its windows.
    """

    joules_per_unit: float
    seconds_per_unit: float
    spread: float
    drift: float
    windows: int
    quality: Quality
    contended: bool = False


class Prices:
    """The pools of a set of stage records.

    Contended windows are left out of a pool that has clean ones. `repeatability` gives the meter's
    limit (ISO 5725) from one run of the program to another, by domain: relative to its joules, two
    runs of equal work differ by less, 19 times of 20. More windows in one run do not average it
    away.
    `idle_watts` is what the metered domains draw when nothing runs, None where that is unknown.
    """

    def __init__(
        self,
        stages: Iterable[StageRecord],
        *,
        repeatability: Callable[[str], float] = lambda _: 0.0,
        idle_watts: float | None = None,
    ) -> None:
        self.repeatability = repeatability
        self.idle_watts = idle_watts
        self._windows: defaultdict[str, list[StageRecord]] = defaultdict(list)
        self._pools: dict[str, Pool] = {}
        for record in stages:
            self.add(record)

    def add(self, record: StageRecord) -> None:
        """Take one more record into its pool."""
        if record.marks:
            self._windows[record.cost_key].append(record)
            self._pools.pop(record.cost_key, None)

    def pool(self, cost_key: str) -> Pool | None:
        """The pool of this work, or None where nothing of it was measured."""
        if cost_key not in self._pools and cost_key in self._windows:
            self._pools[cost_key] = self._merge(self._windows[cost_key])
        return self._pools.get(cost_key)

    def joules(self, demand: Mapping[str, float]) -> tuple[float, float]:
        """Joules of a demand and their uncertainty; unmeasured work raises KeyError.

        Measured again from scratch, the same demand differs by less than the uncertainty, 19 times
        of 20. What changes from run to run may change all pools alike, so that adds up linearly.
        """
        parts = self._parts(demand)
        total = math.fsum(units * pool.joules_per_unit for pool, units in parts)
        spread = math.hypot(*(units * pool.spread for pool, units in parts))
        drift = math.fsum(units * pool.drift for pool, units in parts)
        return total, math.hypot(TWO_RUNS * spread, drift)

    def quality(self, demand: Mapping[str, float]) -> Quality:
        """How the joules of a demand were obtained: as its worst pool was."""
        return Quality.worst(pool.quality for pool, _ in self._parts(demand))

    def is_contended(self, demand: Mapping[str, float]) -> bool:
        """Whether a part of a demand was never measured but beside other programs."""
        pools = (self.pool(key) for key, units in demand.items() if abs(units) > NO_UNITS)
        return any(pool is not None and pool.contended for pool in pools)

    def net_joules(self, demand: Mapping[str, float]) -> float | None:
        """Joules of a demand above those of an idle machine, None where those are unknown."""
        if self.idle_watts is None:
            return None
        return math.fsum(
            units * (pool.joules_per_unit - self.idle_watts * pool.seconds_per_unit)
            for pool, units in self._parts(demand)
        )

    def difference(
        self, first: Mapping[str, float], second: Mapping[str, float]
    ) -> tuple[float, float]:
        """Joules of `first` minus `second`, with the 95 % uncertainty of what they do not share."""
        parts = self._parts(apart(first, second))
        error = (math.hypot(pool.spread, pool.drift / TWO_RUNS) for pool, _ in parts)
        return (
            math.fsum(units * pool.joules_per_unit for pool, units in parts),
            math.hypot(*(units * e for (_, units), e in zip(parts, error, strict=True))),
        )

    def _parts(self, demand: Mapping[str, float]) -> list[tuple[Pool, float]]:
        parts: list[tuple[Pool, float]] = []
        for key, units in demand.items():
            pool = self.pool(key)
            if pool is None:
                raise KeyError(f"nothing measured for the work {key}")
            parts.append((pool, units))
        return parts

    def _merge(self, records: list[StageRecord]) -> Pool:
        marks = [mark for record in records for mark in record.marks]
        undisturbed = [mark for mark in marks if not mark.reading.contended]
        clean = undisturbed or marks
        units = math.fsum(mark.units for mark in clean)
        mean = math.fsum(mark.reading.joules for mark in clean) / units
        readings = [mark.reading for mark in clean]
        parts = (part for reading in readings for part in reading.domains)
        return Pool(
            joules_per_unit=mean,
            seconds_per_unit=math.fsum(mark.reading.seconds for mark in clean) / units,
            spread=spread_joules(parts, edges_joules(readings)) / units,
            drift=math.fsum(map(self._drift, readings)) / units,
            windows=len(records),
            quality=Quality.worst(reading.quality for reading in readings),
            contended=not undisturbed,
        )

    def _drift(self, reading: EnergyReading) -> float:
        return math.fsum(self.repeatability(p.domain) * p.joules for p in reading.domains)


def apart(first: Mapping[str, float], second: Mapping[str, float]) -> Usage:
    """Units of each pool that one demand has more than another."""
    keys = sorted(first.keys() | second.keys())
    return {key: first.get(key, 0.0) - second.get(key, 0.0) for key in keys}


def demand(result: TrialResult, objective: Objective) -> Usage:
    """Units of each pool that the objective charges to a trial."""
    wanted: defaultdict[str, float] = defaultdict(float)
    for use in result.stages:
        if use.stage in TRAINING_STAGES and objective.name in ("training", "lifetime"):
            wanted[use.cost_key] += use.units
        if use.stage == "infer" and objective.name != "training":
            wanted[use.cost_key] += objective.images if objective.name == "lifetime" else 1.0
    return dict(wanted)

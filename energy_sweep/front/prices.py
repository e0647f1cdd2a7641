"""What work costs: joules per unit pooled over equal work, and their uncertainty.

Every configuration is a vector: so many units (epochs, runs, images) of each pool. Its joules are
linear in the pools' means, and so is a difference of two configurations, in which whatever both
share cancels together with its uncertainty.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from energy_sweep.front.pools import REMEMBERED, Pool, merge, windows
from energy_sweep.record import (
    TRAINING_STAGES,
    Objective,
    Quality,
    StageRecord,
    TrialResult,
)

if TYPE_CHECKING:
    from energy_sweep.front.detrending import Detrended

Usage = dict[str, float]

# The interval of a difference of two equal readings over that of one reading.
TWO_RUNS = math.sqrt(2)

# Units that are left over where two means of the same work are subtracted.
NO_UNITS = 1e-9


class Prices:
    """The pools of a set of stage records.

    Contended windows are left out of a pool that has clean ones. `repeatability` gives the meter's
    limit (ISO 5725) from one run of the program to another, by domain: relative to its joules, two
    runs of equal work differ by less, 19 times of 20. More windows in one run do not average it
    away. What an earlier study read counts only where this one read nothing. `idle_watts` is what
    the metered domains draw when nothing runs, None where that is unknown. With `detrended`, the
    drift of the machine is taken out (`detrending.py`), which takes all records of a study: those
    of a trial alone do not show it.
    """

    def __init__(
        self,
        stages: Iterable[StageRecord],
        *,
        repeatability: Callable[[str], float] = lambda _: 0.0,
        idle_watts: float | None = None,
        detrended: bool = False,
    ) -> None:
        self.repeatability = repeatability
        self.idle_watts = idle_watts
        self._detrended = detrended
        self._records: defaultdict[str, list[StageRecord]] = defaultdict(list)
        self._pools: dict[str, Pool] = {}
        for record in stages:
            self.add(record)

    def add(self, record: StageRecord) -> None:
        """Take one more record into its pool."""
        if record.marks:
            self._records[record.cost_key].append(record)
            self.__dict__.pop("trend", None)
            if self._detrended:
                self._pools.clear()
            self._pools.pop(record.cost_key, None)

    @cached_property
    def trend(self) -> Detrended | None:
        """How the pools compare; None where that is not asked for, or no window has a time."""
        if not self._detrended:
            return None
        from energy_sweep.front.detrending import detrend  # which loads NumPy

        return detrend({key: windows(records) for key, records in self._records.items()})

    def pool(self, cost_key: str) -> Pool | None:
        """The pool of this work, or None where nothing of it was measured."""
        known = self._pools.get(cost_key)
        if known is None and cost_key in self._records:
            records = self._records[cost_key]
            here = [record for record in records if REMEMBERED not in record.facts]
            plain = merge(here or records, self.repeatability)
            # What was read earlier drifts with what it is taken in proportion to.
            like = plain.beside or cost_key
            factor = 1.0 if self.trend is None else self.trend.factors.get(like, 1.0)
            known = self._pools[cost_key] = plain.times(factor)
        return known

    def joules(self, demand: Mapping[str, float]) -> tuple[float, float]:
        """Joules of a demand and their uncertainty; unmeasured work raises KeyError.

        Measured again from scratch, the same demand differs by less than the uncertainty, 19 times
        of 20. What changes from run to run may change all pools alike, so that adds up linearly.
        """
        parts = self.parts(demand)
        total = math.fsum(units * pool.joules_per_unit for pool, units in parts)
        spread = math.hypot(*(units * pool.spread for pool, units in parts))
        drift = math.fsum(units * pool.drift for pool, units in parts)
        return total, math.hypot(TWO_RUNS * spread, drift)

    def quality(self, demand: Mapping[str, float]) -> Quality:
        """How the joules of a demand were obtained: as its worst pool was."""
        return Quality.worst(pool.quality for pool, _ in self.parts(demand))

    def is_contended(self, demand: Mapping[str, float]) -> bool:
        """Whether a part of a demand was never measured but beside other programs."""
        for key, units in demand.items():
            pool = self.pool(key) if abs(units) > NO_UNITS else None
            if pool is not None and pool.contended:
                return True
        return False

    def net_joules(self, demand: Mapping[str, float]) -> float | None:
        """Joules of a demand above those of an idle machine, None where those are unknown."""
        if self.idle_watts is None:
            return None
        return math.fsum(
            units * (pool.joules_per_unit - self.idle_watts * pool.seconds_per_unit)
            for pool, units in self.parts(demand)
        )

    def parts(self, demand: Mapping[str, float]) -> list[tuple[Pool, float]]:
        """The pools of a demand with its units of each; unmeasured work raises KeyError."""
        found: list[tuple[Pool, float]] = []
        for key, units in demand.items():
            pool = self.pool(key)
            if pool is None:
                raise KeyError(f"nothing measured for the work {key}")
            found.append((pool, units))
        return found


def apart(first: Mapping[str, float], second: Mapping[str, float]) -> Usage:
    """Units of each pool that one demand has more than another."""
    keys = sorted(first.keys() | second.keys())
    return {key: first.get(key, 0.0) - second.get(key, 0.0) for key in keys}


def demand(result: TrialResult, objective: Objective) -> Usage:
    """Units of each pool that the objective charges to a trial."""
    wanted: defaultdict[str, float] = defaultdict(float)
    for use in result.stages:
        if times := charged(use.stage, objective):
            # Whatever a trial looked at, a life is so many images.
            wanted[use.cost_key] += times * (1.0 if use.stage == "infer" else use.units)
    return dict(wanted)


def charged(stage: str, objective: Objective) -> float:
    """How often the objective charges a unit of a stage; an image is the unit of `infer`."""
    if stage in TRAINING_STAGES:
        return float(objective.name in ("training", "lifetime"))
    if stage != "infer" or objective.name == "training":
        return 0.0
    return float(objective.images) if objective.name == "lifetime" else 1.0

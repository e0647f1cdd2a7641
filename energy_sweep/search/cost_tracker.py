"""Accuracy and joules of the trials at today's prices, kept current while the store grows."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from energy_sweep.front.constraints import Constraints
from energy_sweep.front.domination import pareto
from energy_sweep.front.limited import LimitedFigures, limited_figures
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import Prices, Usage, demand
from energy_sweep.record import Objective, StageRecord, TrialResult


class CostTracker:
    """What was spent, and what each trial costs by the objective.

    It gives what `price` gives, and reads only the records that changed since it last looked.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        repeatability: Callable[[str], float],
        constraints: Constraints | None = None,
    ) -> None:
        self.constraints = constraints or Constraints()
        self._objective = objective
        self._repeatability = repeatability
        self._records: dict[str, StageRecord] = {}
        self._spent: dict[str, tuple[float, float]] = {}
        self._work: defaultdict[str, dict[str, StageRecord]] = defaultdict(dict)
        self._pools: dict[str, Pool | None] = {}
        self._results: dict[int, TrialResult] = {}
        self._demands: dict[int, Usage] = {}
        self._keys: dict[int, str] = {}
        self._users: defaultdict[str, list[int]] = defaultdict(list)
        self._joules: dict[int, float | None] = {}

    def refresh(self, records: Mapping[str, StageRecord]) -> None:
        """Take in the records that are new or longer than before."""
        for key, record in records.items():
            old = self._records.get(key)
            if old is record or old == record:
                continue
            self._records[key] = record
            self._work[record.cost_key][key] = record
            self._pools.pop(record.cost_key, None)
            for number in self._users[record.cost_key]:
                self._joules.pop(number, None)
            marks = () if record.elsewhere else (*record.marks, *record.lost)
            seconds = math.fsum(mark.reading.seconds for mark in marks)
            self._spent[key] = (record.spent_joules, seconds)

    def add(self, number: int, result: TrialResult) -> None:
        """Take in a trial."""
        self._results[number] = result
        self._joules.pop(number, None)
        self._keys[number] = result.config_key
        self._demands[number] = demand(result, self._objective)
        for cost_key in self._demands[number]:
            self._users[cost_key].append(number)

    @property
    def spent_joules(self) -> float:
        return math.fsum(joules for joules, _ in self._spent.values())

    @property
    def spent_seconds(self) -> float:
        """Seconds inside measured windows."""
        return math.fsum(seconds for _, seconds in self._spent.values())

    def joules(self, number: int) -> float | None:
        """Joules of a trial by the objective; None if infeasible or some of its work unmetered."""
        if number not in self._joules:
            infeasible = self._results[number].infeasible is not None
            self._joules[number] = None if infeasible else self._price(self._demands[number])
        return self._joules[number]

    def is_contended(self, number: int) -> bool:
        """Whether other programs ran in all windows that a part of a trial's joules rests on."""
        pools = map(self._pool, self._demands[number])
        return any(pool is not None and pool.contended for pool in pools)

    def joules_per_unit(self, cost_key: str) -> float | None:
        """Joules that a unit of this work costs; None where nothing of it was measured."""
        pool = self._pool(cost_key) if cost_key in self._work else None
        return None if pool is None else pool.joules_per_unit

    def joules_per_run(self, cost_key: str) -> float | None:
        """Joules that a unit of a stage takes when it is run; of `infer` that is all its images."""
        records = [one for one in self._work.get(cost_key, {}).values() if one.marks]
        if not any(one.stage == "infer" for one in records):
            return self.joules_per_unit(cost_key)
        marks = [mark for one in records for mark in one.marks]
        return math.fsum(mark.reading.joules for mark in marks) / len(records)

    def front(self) -> int:
        """How many configurations, their seeds merged, keep the constraints and no other one of
        those dominates."""
        points: defaultdict[str, list[LimitedFigures]] = defaultdict(list)
        for number in self._results:
            if (found := self.figures(number)) is not None:
                points[self._keys[number]].append(found)
        merged = (runs[0] if len(runs) == 1 else _mean(runs) for runs in points.values())
        kept = filter(self.constraints.keeps, merged)
        return len(pareto([(one.accuracy, one.joules) for one in kept]))

    def figures(self, number: int) -> LimitedFigures | None:
        """What a trial is judged by; None where it has no accuracy or no joules."""
        result, joules = self._results[number], self.joules(number)
        if joules is None or result.accuracy is None:
            return None
        if not self.constraints:  # most figures are asked for by constraints alone
            return LimitedFigures(result.accuracy, joules)
        return limited_figures(result.accuracy, joules, [result], self._pool)

    def violations(self, number: int) -> dict[str, float]:
        """How far a trial is outside of each constraint; empty where nothing is known of it."""
        found = self.figures(number)
        return {} if found is None else self.constraints.violations(found)

    def _price(self, wanted: Usage) -> float | None:
        total: list[float] = []
        for cost_key, units in wanted.items():
            pool = self._pool(cost_key)
            if pool is None:
                return None
            total.append(units * pool.joules_per_unit)
        return math.fsum(total)

    def _pool(self, cost_key: str) -> Pool | None:
        if cost_key not in self._pools:
            records = self._work.get(cost_key, {}).values()
            prices = Prices(records, repeatability=self._repeatability)
            self._pools[cost_key] = prices.pool(cost_key)
        return self._pools[cost_key]


def _mean(runs: Sequence[LimitedFigures]) -> LimitedFigures:
    """The first of several seeds, with the mean of their accuracies and joules."""
    accuracy = math.fsum(one.accuracy for one in runs) / len(runs)
    joules = math.fsum(one.joules for one in runs) / len(runs)
    return dataclasses.replace(runs[0], accuracy=accuracy, joules=joules)

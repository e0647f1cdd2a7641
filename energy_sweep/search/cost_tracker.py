"""Accuracy and joules of the trials at today's prices, kept current while the store grows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping

from energy_sweep.front.bill import alone_joules
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.limited import IMAGE, LimitedFigures, limited_figures
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import Prices, demand
from energy_sweep.record import Objective, StageRecord, TrialResult
from energy_sweep.search.exact_sum import ExactSum
from energy_sweep.search.front_count import Cost, Demand, FrontCount


class CostTracker:
    """What was spent, and what each trial costs by the objective.

    It gives what `price` gives, and reads only the records that changed since it last looked.
    Trials of the same work have one price.
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
        self._spent = ExactSum(), ExactSum()
        self._work: defaultdict[str, dict[str, StageRecord]] = defaultdict(dict)
        self._pools: dict[str, Pool | None] = {}
        self._results: dict[int, TrialResult] = {}
        self._demands: dict[int, Demand] = {}
        self._users: defaultdict[str, set[Demand]] = defaultdict(set)
        self._prices: dict[Demand, float | None] = {}
        self._front = FrontCount()
        self._examples: dict[Cost, TrialResult] = {}
        self._alone, self._unpriced = ExactSum(), list[TrialResult]()

    def refresh(self, records: Mapping[str, StageRecord]) -> None:
        """Take in the records that are new or longer than before."""
        known = self._records
        changed = [one for key, one in records.items() if known.get(key) is not one]
        for record in changed:
            old = known.get(record.key)
            if old == record:
                continue
            known[record.key] = record
            self._work[record.cost_key][record.key] = record
            self._pools.pop(record.cost_key, None)
            for wanted in self._users[record.cost_key]:
                self._prices.pop(wanted, None)
            for spent, now, before in zip(self._spent, _spent(record), _spent(old), strict=True):
                spent.add(now)
                spent.add(-before)

    def add(self, number: int, result: TrialResult) -> None:
        """Take in a trial."""
        wanted = tuple(demand(result, self._objective).items())
        if number not in self._results:
            self._unpriced.append(result)
        self._results[number], self._demands[number] = result, wanted
        for cost_key, _ in wanted:
            self._users[cost_key].add(wanted)
        cost = wanted, self._limited(result)
        self._examples.setdefault(cost, result)
        accuracy = result.accuracy if result.infeasible is None else None
        self._front.put(result.config_key, number, cost, accuracy)

    @property
    def spent_joules(self) -> float:
        return self._spent[0].value

    def saved_joules(self) -> float:
        """What the trials would have taken one by one, less what was spent, both all in.

        Each is priced once, when this is first asked, so it follows the bill and costs little.
        """
        for result in self._unpriced:
            self._alone.add(alone_joules(result, self._records, self))
        self._unpriced.clear()
        return self._alone.value - self.spent_joules

    @property
    def spent_seconds(self) -> float:
        """Seconds inside measured windows."""
        return self._spent[1].value

    def joules(self, number: int) -> float | None:
        """Joules of a trial by the objective; None if infeasible or some of its work unmetered."""
        infeasible = self._results[number].infeasible is not None
        return None if infeasible else self._price(self._demands[number])

    def is_contended(self, number: int) -> bool:
        """Whether other programs ran in all windows that a part of a trial's joules rests on."""
        pools = (self.pool(cost_key) for cost_key, _ in self._demands[number])
        return any(pool is not None and pool.contended for pool in pools)

    def joules_per_unit(self, cost_key: str) -> float | None:
        """Joules that a unit of this work costs; None where nothing of it was measured."""
        pool = self.pool(cost_key) if cost_key in self._work else None
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
        return self._front.count(self._figures_of, self.constraints)

    def figures(self, number: int) -> LimitedFigures | None:
        """What a trial is judged by; None where it has no accuracy or no joules."""
        result, joules = self._results[number], self.joules(number)
        if joules is None or result.accuracy is None:
            return None
        return self._figures(result, result.accuracy, joules)

    def violations(self, number: int) -> dict[str, float]:
        """How far a trial is outside of each constraint; empty where nothing is known of it."""
        found = self.figures(number) if self.constraints else None
        return {} if found is None else self.constraints.violations(found)

    def _figures_of(self, cost: Cost, accuracy: float) -> LimitedFigures | None:
        """Those of trials of one cost that have an accuracy."""
        joules = self._price(cost[0])
        return None if joules is None else self._figures(self._examples[cost], accuracy, joules)

    def _figures(self, result: TrialResult, accuracy: float, joules: float) -> LimitedFigures:
        if not self.constraints:  # most figures are asked for by constraints alone
            return LimitedFigures(accuracy, joules)
        return limited_figures(accuracy, joules, [result], self.pool)

    def _limited(self, result: TrialResult) -> Hashable:
        """What else constraints limit of a trial, but for its accuracy."""
        if not self.constraints:
            return ()
        latency = result.facts.get("inference", {}).get("1")
        return result.facts.get("bytes"), latency, tuple(demand(result, IMAGE).items())

    def _price(self, wanted: Demand) -> float | None:
        if wanted not in self._prices:
            pools = [(self.pool(cost_key), units) for cost_key, units in wanted]
            known = [units * pool.joules_per_unit for pool, units in pools if pool is not None]
            self._prices[wanted] = math.fsum(known) if len(known) == len(pools) else None
        return self._prices[wanted]

    def pool(self, cost_key: str) -> Pool | None:
        """The pool of this work, or None where nothing of it was measured."""
        if cost_key not in self._pools:
            records = self._work.get(cost_key, {}).values()
            prices = Prices(records, repeatability=self._repeatability)
            self._pools[cost_key] = prices.pool(cost_key)
        return self._pools[cost_key]


def _spent(record: StageRecord | None) -> tuple[float, float]:
    """Joules and seconds that were spent on a record in this study."""
    if record is None or record.elsewhere is not None:
        return 0.0, 0.0
    seconds = math.fsum(mark.reading.seconds for mark in (*record.marks, *record.lost))
    return record.spent_joules, seconds

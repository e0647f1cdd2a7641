"""Where joules go: those of a configuration by stage, by domain, and by step of training."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from energy_sweep.front.breakdown import EPOCH_STAGES, effort
from energy_sweep.front.configurations import Configuration
from energy_sweep.front.pools import clean_marks
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.prices import charged
from energy_sweep.record import StageRecord

Shares = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The joules of one configuration by the objective, in parts that add up to it.

    `per_iteration` is one batch, forward and backward, and `per_update` one step of the optimizer;
    None where the facts of its trials do not tell how many there were.
    """

    by_stage: Mapping[str, float]
    by_domain: Mapping[str, float]
    per_iteration: float | None
    per_update: float | None


@dataclass(frozen=True)
class PartsTable:
    """The parts of any configuration of a study that has a price."""

    priced: PricedStudy

    def parts(self, trial: int) -> Parts:
        """Those of the configuration whose lowest trial this is."""
        one = self._configurations[trial]
        by_domain = defaultdict[str, list[float]](list)
        for key, units in one.demand.items():
            pool = self.priced.prices.pool(key)
            joules = 0.0 if pool is None else units * pool.joules_per_unit
            for domain, share in self._shares(key).items():
                by_domain[domain].append(share * joules)
        per_iteration, per_update = self._per_step(one)
        return Parts(
            by_stage=self._by_stage(one),
            by_domain={domain: math.fsum(parts) for domain, parts in by_domain.items()},
            per_iteration=per_iteration,
            per_update=per_update,
        )

    @cached_property
    def _configurations(self) -> Mapping[int, Configuration]:
        return {one.trial: one for one in self.priced.priced}

    @cached_property
    def _records(self) -> Mapping[str, list[StageRecord]]:
        found = defaultdict[str, list[StageRecord]](list)
        for record in self.priced.study.stages.values():
            if record.marks:
                found[record.cost_key].append(record)
        return found

    @cached_property
    def _known(self) -> dict[str, Shares]:
        return {}

    def _shares(self, cost_key: str) -> Shares:
        """The share of each domain in the joules of a pool."""
        if cost_key not in self._known:
            joules = defaultdict[str, list[float]](list)
            for mark in clean_marks(self._records.get(cost_key, [])):
                for part in mark.reading.domains:
                    joules[part.domain].append(part.joules)
            sums = {domain: math.fsum(parts) for domain, parts in joules.items()}
            total = math.fsum(sums.values())
            self._known[cost_key] = {
                domain: part / total if total else 0.0 for domain, part in sums.items()
            }
        return self._known[cost_key]

    def _by_stage(self, one: Configuration) -> dict[str, float]:
        """The joules of each stage that the objective charges, a mean over seeds."""
        objective, found = self.priced.objective, defaultdict[str, list[float]](list)
        for _, result in one.runs:
            for use in result.stages:
                times = charged(use.stage, objective)
                pool = self.priced.prices.pool(use.cost_key) if times else None
                if pool is not None:
                    units = 1.0 if use.stage == "infer" else use.units
                    found[use.stage].append(times * units * pool.joules_per_unit / len(one.runs))
        return {stage: math.fsum(parts) for stage, parts in found.items()}

    def _per_step(self, one: Configuration) -> tuple[float | None, float | None]:
        """Joules of one iteration, and of one update, over all epochs of all seeds."""
        joules: list[float] = []
        for _, result in one.runs:
            for use in result.stages:
                if use.stage in EPOCH_STAGES:
                    pool = self.priced.prices.pool(use.cost_key)
                    if pool is None:
                        return None, None
                    joules.append(use.units * pool.joules_per_unit)
        done = [effort(result) for _, result in one.runs]
        return (
            _over(joules, [one.iterations for one in done]),
            _over(joules, [one.updates for one in done]),
        )


def _over(joules: list[float], counts: list[float | None]) -> float | None:
    known = [count for count in counts if count is not None]
    total = math.fsum(known)
    return math.fsum(joules) / total if joules and total and len(known) == len(counts) else None


def domain_sums(records: Iterable[StageRecord]) -> dict[str, float]:
    """What was spent in each domain, lost work among it; what another study spent is not."""
    found = defaultdict[str, list[float]](list)
    for record in records:
        if record.elsewhere is None:
            for mark in (*record.marks, *record.lost):
                for part in mark.reading.domains:
                    found[part.domain].append(part.joules)
    return {domain: math.fsum(parts) for domain, parts in found.items()}

"""The bill: what a sweep spent, all in, and what its trials would have spent one by one, all in.

Spent is every joule of every metered window in the study's store: training and measuring, lost
work, failed trials, comparisons that only a sweep makes. One by one is what each trial would
have spent with an empty store of its own, at the prices of the study: its training and export, its
evaluation, the first windows of its graph, the trial of its plan. What another study spent, and
pauses, which depend on the day, are on neither side of it.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from energy_sweep.front.breakdown import EPOCH_STAGES
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import Prices
from energy_sweep.record import (
    MEASURING_STAGES,
    TRAINING_STAGES,
    StageRecord,
    StudyRecord,
    TrialResult,
)

# A graph's first weights get so many windows; the 2nd, 4th, 8th, ... that share it bring one more.
FIRST_WINDOWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One stage: distinct `runs`, `uses` by trials, joules spent, their share, and one by one."""

    runs: int
    uses: int
    spent_joules: float
    spent_share: float
    attributed_joules: float


class Pools(Protocol):
    """Who knows what work costs."""

    def pool(self, cost_key: str) -> Pool | None:
        """The pool of this work, or None where nothing of it was measured."""
        ...


Work = tuple[str, str, float]  # the key of its record, that of its pool, and units of it


def bill(study: StudyRecord, prices: Prices) -> dict[str, BillLine]:
    """A line for each stage that anything was spent on, in the order of a trial."""
    work: defaultdict[str, list[Work]] = defaultdict(list)
    for _, result in study.results:
        for stage, one in _alone(result, study.stages):
            work[stage].append(one)
    runs: defaultdict[str, list[float]] = defaultdict(list)
    for record in study.stages.values():
        if record.marks or record.lost:
            runs[record.stage].append(record.spent_joules)
    total = math.fsum(itertools.chain.from_iterable(runs.values()))
    lines: dict[str, BillLine] = {}
    for stage in (*TRAINING_STAGES, *MEASURING_STAGES):
        if stage in runs or stage in work:
            spent = math.fsum(runs[stage])
            lines[stage] = BillLine(
                runs=len(runs[stage]),
                uses=len(work[stage]),
                spent_joules=spent,
                spent_share=spent / total if total else 0.0,
                attributed_joules=math.fsum(
                    _price(one, study.stages, prices) for one in work[stage]
                ),
            )
    return lines


def alone_joules(result: TrialResult, stages: Mapping[str, StageRecord], prices: Pools) -> float:
    """What a trial would have spent, all in, with an empty store of its own."""
    return math.fsum(_price(one, stages, prices) for _, one in _alone(result, stages))


def _alone(result: TrialResult, stages: Mapping[str, StageRecord]) -> Iterable[tuple[str, Work]]:
    """All work that a trial would do alone, by stage."""
    graphs = [use.cost_key for use in result.stages if use.stage == "infer"]
    for use in result.stages:
        if use.stage != "infer":
            yield use.stage, (use.key, use.cost_key, use.units)
    for graph in dict.fromkeys([*graphs, *result.facts.get("inference", {}).values()]):
        if graph in stages:
            yield "infer", (graph, graph, _first_units(stages[graph]))
    for key in result.facts.get("calibrate", ()):
        if key in stages:
            record = stages[key]
            units = record.units * _tried_alone(record, result)
            yield "calibrate", (key, record.cost_key, units)


def _tried_alone(record: StageRecord, result: TrialResult) -> float:
    """The share of a record of `calibrate` that a trial would have spent alone.

    Its own steps may not pay for trying plans: then it only looks at the plain one.
    """
    facts, total = record.facts, math.fsum(mark.reading.joules for mark in record.marks)
    match facts:
        case {
            "looked": int(looked),
            "worth": {
                "share": float(share),
                "joules_per_step": float(joules),
                "price_joules": float(price),
            },
        } if total > 0:
            if share * _steps(result) * joules > price:
                return 1.0
            look = math.fsum(mark.reading.joules for mark in record.marks[: max(0, looked)])
            return look / total
        case _:
            return 1.0


def _steps(result: TrialResult) -> float:
    """Batches of all epochs of a trial, each counted in every process that took a part of it."""
    epochs = math.fsum(use.units for use in result.stages if use.stage in EPOCH_STAGES)
    match result.facts.get("steps_per_epoch"), result.config.get("device"):
        case int(steps), {"processes": int(processes)}:
            return epochs * steps * processes
        case _:
            return math.inf


def _first_units(record: StageRecord) -> float:
    """Images of the windows that a graph gets for its first weights."""
    users = max(1, len(record.facts.get("users", ())))
    return record.units * FIRST_WINDOWS / (FIRST_WINDOWS + users.bit_length() - 1)


def _price(work: Work, stages: Mapping[str, StageRecord], prices: Pools) -> float:
    key, cost_key, units = work
    if key in stages and stages[key].elsewhere is not None:
        return 0.0
    pool = prices.pool(cost_key)
    return 0.0 if pool is None else pool.joules_per_unit * units

"""A study as those see it who buy certainty for it: its draws, its pools, and what each offers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from energy_sweep.front import PricedStudy
from energy_sweep.front.merged import Configuration
from energy_sweep.front.pools import ALIKE, windows
from energy_sweep.front.prices import Prices
from energy_sweep.record import TRAINING_STAGES, JsonDict, Objective, StageRecord
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.next_purchase import Offers
from energy_sweep.search.run_order import Job
from energy_sweep.search.standing import Floats, Standing

# A round of these is an epoch; of a graph it is a window of so many marks.
EPOCHS = ("trunk", "cooldown", "recover")
GRAPH_MARKS = 5

Records = Mapping[str, Sequence[StageRecord]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyStanding:
    """The `standing` of the configurations `keys`, whose lowest trials are `numbers`, over `pools`.

    `points` are where they lie in today's space, None where they do not; `jobs` are by pool those
    of a trial that uses it. `offers` has the rounds that could be bought.
    """

    standing: Standing
    offers: Offers
    keys: tuple[str, ...]
    numbers: tuple[int, ...]
    points: tuple[JsonDict | None, ...]
    pools: tuple[str, ...]
    jobs: Mapping[str, Job]
    prices: Prices

    @property
    def doubt(self) -> float:
        """How many members of the front are expected to be wrong."""
        return self.standing.doubt

    @property
    def is_open(self) -> bool:
        """Whether a member is undecided."""
        return bool(len(self.standing.undecided))

    def training_joules(self, job: Job, records: Mapping[str, StageRecord]) -> float:
        """What a trial would add: training that is not in the store, and its evaluation."""
        total: list[float] = []
        for use in job.stages:
            if use.stage in (*TRAINING_STAGES, "evaluate"):
                known = records.get(use.key)
                left = use.units - (0.0 if known is None else known.units)
                total.append(_price(use.cost_key, max(0.0, left), self.prices))
        return math.fsum(total)


def look(trials: KnownTrials, objective: Objective) -> StudyStanding:
    """What the study's records say now."""
    priced = PricedStudy(trials.study.record(trials.store_records()), objective)
    found = priced.priced
    pools = tuple(dict.fromkeys(key for one in found for key in one.demand))
    points = tuple(trials.point(one.trial) for one in found)
    jobs = _jobs(found, points, trials)
    records: defaultdict[str, list[StageRecord]] = defaultdict(list)
    for record in priced.study.stages.values():
        records[record.cost_key].append(record)
    return StudyStanding(
        standing=_standing(priced, pools, records),
        offers=_offers(priced, pools, records, jobs),
        keys=tuple(one.key for one in found),
        numbers=tuple(one.trial for one in found),
        points=points,
        pools=pools,
        jobs=jobs,
        prices=priced.prices,
    )


def _jobs(
    found: Sequence[Configuration], points: Sequence[JsonDict | None], trials: KnownTrials
) -> dict[str, Job]:
    """For each pool a trial of today's space that uses it, the lowest."""
    jobs: dict[str, Job] = {}
    for one, point in zip(found, points, strict=True):
        for key in one.demand:
            if point is not None and key not in jobs:
                jobs[key] = trials.index.job(point)
    return jobs


def _standing(priced: PricedStudy, pools: Sequence[str], records: Records) -> Standing:
    members = {row.trial for row in priced.front}
    beliefs, trend = priced.beliefs, priced.prices.trend
    noise = 0.0 if trend is None else trend.noise
    marks = [math.fsum(window.marks for window in windows(records[key])) for key in pools]
    return Standing(
        accuracies=beliefs.accuracies,
        log_joules=beliefs.log_joules,
        belonging=beliefs.belonging(),
        members=np.array([one.trial in members for one in priced.priced], dtype=np.bool_),
        shares=_shares(priced, pools),
        mark_variance=np.full(len(pools), noise**2),
        marks=np.maximum(marks, 1.0),
        seeds=np.array([float(len(one.by_seed)) for one in priced.priced]),
    )


def _shares(priced: PricedStudy, pools: Sequence[str]) -> Floats:
    """What each pool contributes to the joules of each configuration [N, K]."""
    place = {key: index for index, key in enumerate(pools)}
    joules = np.zeros((len(priced.priced), len(pools)))
    for row, one in enumerate(priced.priced):
        for key, units in one.demand.items():
            joules[row, place[key]] = _price(key, units, priced.prices)
    return joules / np.maximum(joules.sum(axis=1, keepdims=True), 1e-300)


def _offers(
    priced: PricedStudy, pools: Sequence[str], records: Records, jobs: Mapping[str, Job]
) -> Offers:
    """What a round of each pool would take; seeds are priced when it is known which."""
    joules, marks = np.full(len(pools), math.inf), np.ones(len(pools))
    for index, key in enumerate(pools):
        stages = {record.stage for record in records[key]}
        if key in jobs and "infer" in stages:
            readings = [mark.reading.joules for one in records[key] for mark in one.marks]
            joules[index] = GRAPH_MARKS * float(np.median(readings))
            marks[index] = GRAPH_MARKS / (1 + ALIKE * (GRAPH_MARKS - 1))
        elif key in jobs and stages & set(EPOCHS):
            joules[index] = _price(key, 1.0, priced.prices)
    seeds = np.full(len(priced.priced), math.inf)
    return Offers(round_joules=joules, round_marks=marks, seed_joules=seeds)


def _price(key: str, units: float, prices: Prices) -> float:
    pool = prices.pool(key)
    return 0.0 if pool is None else units * pool.joules_per_unit

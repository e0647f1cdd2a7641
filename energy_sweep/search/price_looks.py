"""Looks: what an epoch of a net takes, read of a few of its steps before anything is trained.

Where to begin is a matter of prices, and so is what is worth its joules. A look costs a part of an
epoch, and a search that knows the prices of trainings wastes none on one that is as dear as many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import JsonDict
from energy_sweep.search.acquisition.encoding import encode
from energy_sweep.search.budget import Budget
from energy_sweep.search.candidate_points import CandidatePoints
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import EPOCH_STAGES, Job

Floats = NDArray[np.float64]

TRUNK, LOOKS = "trunk", "calibrate"  # the stage that is priced, and that of looks
MOST = 0.5  # of a trial, that all looks may take
FEW = 10  # trials, of fewer of which they may take less
SHARE = 0.1  # of joules that are all that may be spent


@dataclass(frozen=True, slots=True)
class Kind:
    """Trainings whose epochs cost the same: a point of them, and the middle of all (`place`)."""

    point: JsonDict
    place: Floats


class PriceLooks:
    """Takes looks at trainings far from one another, as long as all of them cost no more than half
    a trial, or a tenth of a `budget` that is small.

    What is looked at is a function of the points and of what the store holds, so that a search
    that is cut goes on alike.
    """

    def __init__(self, trials: KnownTrials, points: CandidatePoints, *, budget: Budget) -> None:
        self._trials, self._points, self._budget = trials, points, budget
        self._is_over = not trials.index.can_look

    def take(self) -> None:
        """Look at what is worth it now."""
        if self._is_over:
            return
        index, jobs = self._trials.index, self._points.jobs(self._points.base)
        kinds = _kinds(jobs, encode([job.params for job in jobs], self._points.surface))
        places = np.array([kind.place for kind in kinds.values()])
        known = np.array([self._is_known(key) for key in kinds], dtype=np.bool_)
        while not known.all() and self._may(jobs):
            row = _farthest(places, known) if known.any() else len(known) // 2
            index.look(list(kinds.values())[row].point)
            self._trials.costs.refresh(self._trials.store_records())
            known[row] = True
        self._is_over = True

    def _is_known(self, cost_key: str) -> bool:
        index, costs = self._trials.index, self._trials.costs
        return cost_key in index.foretold or costs.joules_per_unit(cost_key) is not None

    def _may(self, jobs: Sequence[Job]) -> bool:
        """Whether another look is within what they may take."""
        costs, budget = self._trials.costs, self._budget
        if budget.used_up(costs.spent_joules, costs.spent_seconds):
            return False
        records = self._trials.store_records().values()
        looks = (one for one in records if one.stage == LOOKS and "plan" in one.facts)
        spent = math.fsum(record.spent_joules for record in looks)
        most = SHARE * (math.inf if budget.joules is None else budget.joules)
        trials = FEW if budget.trials is None else min(FEW, budget.trials)
        return spent < min(most, MOST * trials / FEW * _least(jobs, self._trials.index.foretold))


def _least(jobs: Sequence[Job], foretold: Mapping[str, float]) -> float:
    """Joules of the cheapest training that is foretold."""
    return min(
        (
            math.fsum(use.units * foretold[use.cost_key] for use in epochs)
            for job in jobs
            if (epochs := [use for use in job.stages if use.stage in EPOCH_STAGES])
            and all(use.cost_key in foretold for use in epochs)
        ),
        default=math.inf,
    )


def _kinds(jobs: Sequence[Job], features: Floats) -> dict[str, Kind]:
    """Trainings by what an epoch of them costs, with `features` [N, D] of their jobs."""
    rows: dict[str, list[int]] = {}
    for row, job in enumerate(jobs):
        trunk = next((use for use in job.stages if use.stage == TRUNK), None)
        if trunk is not None:
            rows.setdefault(trunk.cost_key, []).append(row)
    return {key: Kind(jobs[of[0]].params, features[of].mean(axis=0)) for key, of in rows.items()}


def _farthest(places: Floats, known: NDArray[np.bool_]) -> int:
    """The row [K, D] that is farthest from all that are known."""
    apart = ((places[:, None, :] - places[known][None, :, :]) ** 2).sum(axis=2).min(axis=1)
    return int(np.argmax(np.where(known, -1.0, apart)))

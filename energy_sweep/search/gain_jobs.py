"""What a search of ours runs next: the most expected front per joule that is not yet paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from energy_sweep.front.domination import hypervolume
from energy_sweep.search.acquisition.giving_up import doubt, given_up, membership
from energy_sweep.search.acquisition.policy import Candidates, Ranking, rank
from energy_sweep.search.acquisition.start import TRUNKS
from energy_sweep.search.budget import STAGNATION, Budget
from energy_sweep.search.candidate_set import CandidateSet, Truths, Weighed
from energy_sweep.search.events import Prediction, Stop
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.price_looks import PriceLooks
from energy_sweep.search.run_order import Job

LEAST_KNOWN = 2  # answers from which anything can be believed
LEAST_GAIN = 0.01  # of the area found: what is expected of the best candidate at stagnation


class GainJobs:
    """Gives what is run before anything is asked for, then the candidate that buys the most, as
    long as it is affordable.

    `ended` says why there is no other, `prediction` what the last one given is expected to take,
    and `predicted` what all before were, each with what it took.
    """

    def __init__(self, trials: KnownTrials, candidates: CandidateSet, *, budget: Budget) -> None:
        self._trials, self._budget = trials, budget
        self._candidates = candidates
        self._looks = PriceLooks(trials, candidates.points, budget=budget)
        self._again = trials.first()
        self.ended: Stop | None = None
        self.prediction: Prediction | None = None
        self._job: Job | None = None
        self._spent_before, self._of_others = 0.0, 0
        self._pairs: list[tuple[float, float]] = []

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        self._settle()
        job, row = next(self._again, None), 0
        if job is None:
            self._looks.take()
        weighed = self._candidates.look(*(() if job is None else (job.params,)))
        if job is None:
            chosen = self._best(weighed)
            if chosen is None:
                raise StopIteration
            job, row = self._trials.index.job(weighed.jobs[chosen].params), chosen
        self.prediction, self._job = weighed.prediction(row), job
        self._spent_before = self._trials.costs.spent_joules
        return self._job

    @property
    def predicted(self) -> tuple[tuple[float, float], ...]:
        """Joules that trials were expected to take, each with those that it took."""
        self._settle()
        return tuple(self._pairs)

    def _settle(self) -> None:
        """Note what the last one took, where it was measured."""
        job, prediction = self._job, self.prediction
        is_ours = self._trials.of_others == self._of_others  # else theirs is among what was spent
        self._of_others = self._trials.of_others
        is_known = job is not None and job.identity in self._trials.numbers
        if is_known and is_ours and prediction is not None:
            paid = self._trials.costs.spent_joules - self._spent_before
            self._pairs.append((prediction.joules, paid))
        self._job = self.prediction = None

    def preview(self, count: int) -> list[tuple[Job, Prediction | None]]:
        """What would be run next, and after that as far as can be told now."""
        first = list({job.identity: job for job in self._again}.values())[:count]
        told = self._candidates.look(*(job.params for job in first)) if first else None
        before = [(job, told and told.prediction(row)) for row, job in enumerate(first)]
        return [*before, *self._after(first, count - len(first))]

    def _after(self, first: Sequence[Job], count: int) -> list[tuple[Job, Prediction | None]]:
        """What would be asked for, once some jobs that come first are run."""
        weighed, given = self._candidates.look(), {job.identity for job in first}
        allowed = self._affordable(weighed)
        start = self._start(weighed)
        if start is not None:
            rows = [row for row in start if allowed[row]]
        else:
            ranking = rank(weighed.candidates)
            order = np.argsort(-ranking.rate, kind="stable")
            rows = [int(row) for row in order if allowed[row]]
        rows = [row for row in rows if weighed.jobs[row].identity not in given]
        return [(weighed.jobs[row], weighed.prediction(row)) for row in rows[:count]]

    def _best(self, weighed: Weighed) -> int | None:
        if not weighed.is_open.any():
            self.ended = "done"
            return None
        allowed = self._affordable(weighed)
        if not allowed.any():
            self.ended = "joules"
            return None
        start = self._start(weighed)
        if start is not None:
            cheapest = int(np.argmin(np.where(allowed, weighed.price, np.inf)))
            return next((row for row in start if allowed[row]), cheapest)
        ranking = rank(weighed.candidates)
        self.ended = self._enough(weighed, ranking)
        if self.ended is not None:
            return None
        chance = membership(ranking, weighed.candidates)
        kept = allowed & ~given_up(chance, weighed.trunks)
        return ranking.best(kept if kept.any() else allowed)

    def _start(self, weighed: Weighed) -> list[int] | None:
        """The candidates to begin with; None where enough is known to believe something."""
        measured = weighed.candidates.measured.tolist()
        if len(measured) > TRUNKS:
            return None
        rows = self._candidates.points.start(*(weighed.training or (None, None)), measured)
        is_over = len(measured) >= len(rows) or not weighed.is_open[rows].any()
        return None if len(measured) >= LEAST_KNOWN and is_over else rows

    def _affordable(self, weighed: Weighed) -> Truths:
        """What can be run now for what is left of the joules, and is cheap enough to be of use."""
        if not weighed.priced:
            return weighed.is_open
        most, useful = self._trials.costs.constraints.max_joules, weighed.is_open
        if most is not None and (useful & (weighed.candidates.joules <= most)).any():
            useful = useful & (weighed.candidates.joules <= most)
        if self._budget.joules is None:
            return useful
        left = self._budget.joules - self._trials.costs.spent_joules
        return useful & (weighed.price <= left)

    def _enough(self, weighed: Weighed, ranking: Ranking) -> Stop | None:
        """Whether what was found is enough, by what the search was told."""
        if self._budget.until == STAGNATION:
            best = float(ranking.gain[weighed.is_open].max())
            if best < LEAST_GAIN * area_found(weighed.candidates):
                return "stagnation"
        least, candidates = self._budget.least_doubt, weighed.candidates
        if least is not None:
            chance = np.where(weighed.is_open, membership(ranking, candidates), 0.0)
            if doubt(ranking, candidates, chance) < least:
                return "doubt"
        return None


def area_found(candidates: Candidates) -> float:
    """The area of (accuracy, log10 joules) that the measured candidates dominate, within all of
    them."""
    known = candidates.correct / candidates.images
    cost = np.log10(candidates.joules[candidates.measured])
    worst = float(known.min()), float(cost.max())
    return hypervolume(zip(known.tolist(), cost.tolist(), strict=True), worst)

"""Which points a search of ours weighs, and what is known of them by the trials of a study."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from energy_sweep.front.domination import Point, pareto
from energy_sweep.recipe.dials import SEED
from energy_sweep.record import JsonDict, TrialResult
from energy_sweep.search.acquisition.candidates import is_small, neighbours, sample
from energy_sweep.search.acquisition.stage_table import Floats, true_keys
from energy_sweep.search.acquisition.start import start
from energy_sweep.search.acquisition.telling import telling
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import Job
from energy_sweep.study import Identity
from energy_sweep.study.space import Space

Points = dict[Identity, JsonDict]


class CandidatePoints:
    """The points of a space that are weighed, by what they measure.

    All of a small space, else a sample and what lies next to the front: a pure function of space,
    seed and answers, so that a resumed search weighs the same. The axes that can change an accuracy
    are those of `surface`.
    """

    def __init__(self, trials: KnownTrials, *, seed: int) -> None:
        self._trials, self._seed = trials, seed
        self._space = trials.index.space
        self.surface = Space(axis for axis in self._space.axes if axis.name != SEED)
        self._true: dict[int, tuple[Job, dict[str, str]]] = {}
        self._jobs: dict[Identity, Job] = {}
        self._edition = trials.index.edition

    @functools.cached_property
    def base(self) -> Points:
        """The points that are weighed whatever was measured."""
        space, seed = self._space, self._seed
        points = space.grid() if is_small(space) else sample(space, seed=seed)
        return self._identified(points)

    def start(
        self, price: Floats | None, unsure: Floats | None, measured: Sequence[int]
    ) -> list[int]:
        """Which of those to measure first, in order, by joules [N] and what is `unsure` of them."""
        points = list(self.base.values())
        own = [row for row in measured if row < len(points)]
        price = None if price is None else price[: len(points)]
        unsure = None if unsure is None else unsure[: len(points)]
        surface, seed = self.surface, self._seed
        return list(start(points, surface, seed, price, unsure=unsure, measured=own))

    def known(self) -> dict[int, JsonDict]:
        """The points of this space that were measured, by trial number."""
        numbers = sorted(self._trials.numbers.values())
        found = ((number, self._trials.point(number)) for number in numbers)
        return {number: point for number, point in found if point is not None}

    def result(self, number: int) -> TrialResult:
        """What a measured trial found."""
        result = self._trials.study.trial(number).result
        assert result is not None
        return result

    def found(self, known: Mapping[int, JsonDict], also: Iterable[JsonDict]) -> Points:
        """All that is weighed: what is asked for `also`, the base, and what `known` adds to it."""
        priced = self._priced(known)
        points = self._identified(also)
        for identity, point in self.base.items():
            points.setdefault(identity, point)
        diverged = [one for one in known if self.result(one).infeasible is not None]
        for number in (*telling(priced), *diverged):
            points.setdefault(self._trials.study.identity(number), known[number])
        if not is_small(self._space):
            numbers, front = list(priced), pareto(list(priced.values()))
            members = [known[numbers[one]] for one in front]
            for identity, point in self._identified(neighbours(members, self._space)).items():
                points.setdefault(identity, point)
        return points

    def jobs(self, found: Mapping[Identity, JsonDict]) -> tuple[Job, ...]:
        """The outlines of points, each looked up once until a plan changes what they name."""
        index = self._trials.index
        if index.edition != self._edition:
            self._jobs.clear()
            self._edition = index.edition
        for identity in found.keys() - self._jobs.keys():
            self._jobs[identity] = index.outline(found[identity])
        return tuple(self._jobs[identity] for identity in found)

    def true_keys(self, known: Mapping[int, JsonDict]) -> dict[str, str]:
        """What provisional keys turned out to be, by all trials of this space."""
        identity, keys = self._trials.study.identity, dict[str, str]()
        points = {identity(number): point for number, point in known.items()}
        jobs = dict(zip(points, self.jobs(points), strict=True))
        for number in known:
            job = jobs[identity(number)]
            if number not in self._true or self._true[number][0] is not job:
                found = true_keys(job.stages, self.result(number).stages)
                self._true[number] = (job, found)
            keys |= self._true[number][1]
        return keys

    def _identified(self, points: Iterable[JsonDict]) -> Points:
        """Points by what they measure, the first of those that measure the same."""
        found: Points = {}
        for point in points:
            found.setdefault(self._trials.index.outline(point).identity, point)
        return found

    def _priced(self, known: Iterable[int]) -> dict[int, Point]:
        """Accuracy and joules of the trials that have both."""
        found: dict[int, Point] = {}
        for number in known:
            accuracy, joules = self.result(number).accuracy, self._trials.costs.joules(number)
            if accuracy is not None and joules is not None:
                found[number] = accuracy, joules
        return found

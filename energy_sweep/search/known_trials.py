"""What a study knows of today's space: which configurations are measured, and at what price."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from typing import NamedTuple

from energy_sweep.record import JsonDict, StageRecord, TrialResult
from energy_sweep.record.missing import unanswered
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.run_order import Job
from energy_sweep.study import Answer, Identity, Study


class Taken(NamedTuple):
    """Several sets of what is measured, as one."""

    numbers: Collection[Identity]
    tried: Collection[Identity]
    running: Collection[Identity]

    def __contains__(self, identity: object) -> bool:
        return any(identity in part for part in (self.numbers, self.tried, self.running))


class KnownTrials:
    """The trials of a study that have a result, as points of today's space with their joules.

    `numbers` has those trials by what they measure, `measured` the configurations of them that are
    in this space, and `tried` what this command has begun. `start` are points to begin with, and
    `learned` what another study says of this space.
    """

    def __init__(
        self,
        study: Study,
        store_records: Callable[[], Mapping[str, StageRecord]],
        *,
        index: JobIndex,
        costs: CostTracker,
    ) -> None:
        self.study = study
        self.store_records = store_records
        self.index = index
        self.costs = costs
        self.numbers: dict[Identity, int] = {}
        self.measured: set[str] = set()
        self.tried: set[Identity] = set()
        self.start: tuple[JsonDict, ...] = ()
        self.learned: tuple[Answer, ...] = ()
        self.of_others = 0  # how many trials others changed meanwhile
        costs.refresh(store_records())
        for trial in study.trials:
            if trial.result is not None and trial.state != "running":
                costs.add(trial.number, trial.result)
                self._learn(trial.number)
        over = {number: costs.violations(number) for number in self.numbers.values()}
        study.keep_constraints(costs.constraints.document, over)

    @property
    def taken(self) -> Container[Identity]:
        """What nobody should begin now: it is measured, was begun here, or runs anywhere."""
        return Taken(self.numbers, self.tried, self._running())

    def _running(self) -> set[Identity]:
        return {self.study.identity(trial.number) for trial in self.study.running()}

    def promised(self) -> int:
        """How many configurations of today's space are measured, or run now anywhere."""
        running = [trial.number for trial in self.study.running()]
        here = [number for number in running if self.point(number) is not None]
        return len(self.measured | {self.study.identity(number)[0] for number in here})

    def claim(self, job: Job, *, allowed: Callable[[], bool] = lambda: True) -> int:
        """Begin a trial in the study, and give its number; TrialTaken where others were faster."""

        def is_free() -> bool:
            self.take_in()
            return job.identity not in self.taken and allowed()

        return self.study.claim(
            params=job.params,
            overrides=job.overrides,
            config=job.config,
            seed=job.seed,
            dials=job.dials,
            allowed=is_free,
        )

    def take_in(self) -> None:
        """Learn what other workers ended since this was asked last."""
        changed = self.study.refresh()
        self.of_others += len(changed)
        if changed:
            self.costs.refresh(self.store_records())
        for number in changed:
            trial, identity = self.study.trial(number), self.study.identity(number)
            if trial.state == "failed":
                self.tried.add(identity)  # the next sweep tries it again, as it does ours
            elif trial.result is not None and trial.state != "running":
                self.costs.add(number, trial.result)
                self._learn(number)

    def point(self, number: int) -> JsonDict | None:
        """The point of today's space that a trial measures, or None."""
        return self.index.locate(self.study.identity(number), self.study.trial(number).params)

    def price(self, number: int, result: TrialResult) -> bool:
        """Price a result with what the store holds by now; whether it has all that it needs."""
        self.costs.refresh(self.store_records())
        self.costs.add(number, result)
        return result.infeasible is not None or self.costs.joules(number) is not None

    def keep(self, number: int, result: TrialResult) -> None:
        """Store the result of a trial in the study, with its price."""
        self.study.finish(number, result, self.costs.joules(number), self.costs.violations(number))
        self._learn(number)

    def answers(self) -> dict[Identity, Answer]:
        """What is known of today's space, by trial number."""
        answers: dict[Identity, Answer] = {}
        for identity, number in sorted(self.numbers.items(), key=lambda item: item[1]):
            point, result = self.point(number), self.study.trial(number).result
            if point is not None and result is not None:
                joules, over = self.costs.joules(number), self.costs.violations(number)
                answers[identity] = Answer(point, result.accuracy, joules, over)
        return answers

    def failed_before(self) -> Iterator[Job]:
        """Jobs of today's space that failed and have no result yet, each one once."""
        for trial in self.study.trials:
            identity = self.study.identity(trial.number)
            if trial.state == "failed" and identity not in self.taken:
                point = self.point(trial.number)
                if point is not None:
                    yield self.index.job(point)

    def first(self) -> Iterator[Job]:
        """What is run before anything is asked for: what failed, and the points to begin with."""
        yield from self.failed_before()
        for job in map(self.index.job, self.start):
            if job.identity not in self.taken:
                yield job

    def evaluated_again(self) -> int:
        """How many evaluations of today's space are done again, for which images were right."""
        records = self.store_records()
        keys = {
            key
            for trial in self.study.trials
            if trial.result is not None and trial.state != "running"
            for key in unanswered(trial.result, records)
            if self.point(trial.number) is not None
        }
        return len(keys)

    def _learn(self, number: int) -> None:
        identity = self.study.identity(number)
        self.numbers[identity] = number
        if self.point(number) is not None:
            self.measured.add(identity[0])

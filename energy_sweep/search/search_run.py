"""One command at work on a study: claims, runs, prices and tells, and knows when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from energy_sweep.record import BadInput, EnergySweepError, StageRecord, TrialResult
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.events import (
    UNPRICED,
    Budget,
    Finished,
    OnEvent,
    Outcome,
    Planned,
    Started,
    Stop,
    one_line,
)
from energy_sweep.search.run_order import Job, RunOrder, run_order
from energy_sweep.search.sampling import JobIndex, propose
from energy_sweep.study import Answer, Identity, Study

Run = Callable[[int, Job], TrialResult]


@dataclass(slots=True, kw_only=True)
class SearchRun:
    """One command at work on a study; `total` configurations are wanted, None for no number.

    What is in `first` is done before its own trials, and may give the budget that ended it.
    `known` are the trials that have a result, `measured` the configurations of them in this space.
    """

    study: Study
    store_records: Callable[[], Mapping[str, StageRecord]]
    run: Run
    budget: Budget
    ledger: CostTracker
    atlas: JobIndex
    watch: OnEvent
    first: Sequence[Callable[[SearchRun], Stop | None]] = ()
    total: int | None = None
    cut: bool = False
    known: dict[Identity, int] = field(default_factory=dict[Identity, int])
    measured: set[str] = field(default_factory=set[str])
    tried: set[Identity] = field(default_factory=set[Identity])
    new: list[int] = field(default_factory=list[int])
    infeasible: list[int] = field(default_factory=list[int])
    failed: list[int] = field(default_factory=list[int])
    failures_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.ledger.refresh(self.store_records())
        for trial in self.study.trials:
            if trial.result is not None and trial.state != "running":
                self.ledger.add(trial.number, trial.result)
                self._learn(trial.number)

    def _learn(self, number: int) -> None:
        identity = self.study.identity(number)
        self.known[identity] = number
        if self.atlas.locate(identity, self.study.trial(number).params) is not None:
            self.measured.add(identity[0])

    def whole(self, jobs: list[Job]) -> Outcome:
        """Run the grid in the order of its stages."""
        planned = run_order(jobs, self.store_records(), measured=self.known.keys())
        self.total = len({job.identity[0] for job in jobs})
        self._announce(planned=planned, sampler=None)
        queue = (job for job in planned.jobs if job.identity not in self.known)
        return self._work(queue, repeats=planned.repeats)

    def sampled(
        self,
        sampler: str,
        *,
        seed: int,
        total: int | None,
        settings: Mapping[str, object] | None = None,
    ) -> Outcome:
        """Run what failed before, then what a sampler asks for."""
        if total is not None:
            self.total, self.cut = total, True
        repeats = len(self._answers())
        self._announce(planned=None, sampler=sampler)
        return self._work(self._asked(sampler, seed, settings), repeats=repeats)

    def _asked(
        self, sampler: str, seed: int, settings: Mapping[str, object] | None
    ) -> Iterator[Job]:
        yield from self._failed_before()
        while True:
            job = propose(
                self.atlas,
                self._answers(),
                avoid=self.known.keys() | self.tried,
                sampler=sampler,
                seed=seed,
                number=self.study.next_number,
                settings=settings,
            )
            if job is None:
                return
            yield job

    def _failed_before(self) -> Iterator[Job]:
        for trial in self.study.trials:
            identity = self.study.identity(trial.number)
            if trial.state == "failed" and identity not in self.known.keys() | self.tried:
                point = self.atlas.locate(identity, trial.params)
                if point is not None:
                    yield self.atlas.job(point)

    def _answers(self) -> dict[Identity, Answer]:
        """What is known of today's space, by trial number."""
        answers: dict[Identity, Answer] = {}
        for identity, number in sorted(self.known.items(), key=lambda item: item[1]):
            trial = self.study.trial(number)
            point = self.atlas.locate(identity, trial.params)
            if point is not None and trial.result is not None:
                answers[identity] = (point, trial.result.accuracy, self.ledger.joules(number))
        return answers

    def _announce(self, *, planned: RunOrder | None, sampler: str | None) -> None:
        left = tuple(trial.number for trial in self.study.left_running())
        self.watch(
            Planned(
                plan=planned,
                sampler=sampler,
                measured=len(self.measured),
                total=self.total,
                adopted=left,
                spent_joules=self.ledger.spent_joules,
            )
        )

    def _work(self, queue: Iterator[Job], *, repeats: int) -> Outcome:
        stopped = None
        for prepare in self.first:
            stopped = stopped or prepare(self)
        stopped = stopped or self._drain(queue)
        outcome = Outcome(
            new=tuple(self.new),
            infeasible=tuple(self.infeasible),
            failed=tuple(self.failed),
            repeats=repeats,
            stopped=stopped,
        )
        self.watch(outcome)
        return outcome

    def _drain(self, queue: Iterator[Job]) -> Stop:
        while True:
            stop = self.stop()
            if stop == "trials" or (job := next(queue, None)) is None:
                return stop or "done"
            if stop is not None:
                return stop
            number = self.study.claim(
                params=job.params,
                overrides=job.overrides,
                config=job.config,
                seed=job.seed,
                dials=job.dials,
            )
            self.measure(number, job)

    def stop(self) -> Stop | None:
        """Which budget is used up, if any."""
        budget, ledger = self.budget, self.ledger
        if self.failures_in_a_row >= budget.max_failures:
            return "failures"
        if budget.joules is not None and ledger.spent_joules >= budget.joules:
            return "joules"
        if budget.seconds is not None and ledger.spent_seconds >= budget.seconds:
            return "seconds"
        if self.cut and self.total is not None and len(self.measured) >= self.total:
            return "trials"
        return None

    def measure(self, number: int, job: Job) -> None:
        """Run one claimed trial; what stops this process leaves it claimed, to be adopted."""
        self.tried.add(job.identity)
        self.watch(Started(number=number, job=job, measured=len(self.measured), total=self.total))
        result, error = None, None
        try:
            result = self.run(number, job)
            if (result.config_key, result.seed) != job.identity:
                raise EnergySweepError("it measured another configuration than was planned")
            if not self.priced(number, result):
                raise EnergySweepError(UNPRICED)
            self.tell(number, result)
        except BadInput as refusal:
            self.study.fail(number, str(refusal))
            raise
        except Exception as failure:
            error = one_line(failure)
            self.study.fail(number, error)
            self.failed.append(number)
            self.failures_in_a_row += 1
        else:
            self.failures_in_a_row = 0
            (self.new if result.infeasible is None else self.infeasible).append(number)
        self.report(number, job, result=result, error=error)

    def priced(self, number: int, result: TrialResult) -> bool:
        """Price a result with what the store holds by now, as far as it can be."""
        self.ledger.refresh(self.store_records())
        self.ledger.add(number, result)
        return result.infeasible is not None or self.ledger.joules(number) is not None

    def tell(self, number: int, result: TrialResult) -> None:
        """Keep the result of a trial, with its price."""
        self.study.finish(number, result, self.ledger.joules(number))
        self._learn(number)

    def report(
        self, number: int, job: Job, *, result: TrialResult | None, error: str | None
    ) -> None:
        """Tell who watches what became of a trial, and how the study stands by now."""
        self.watch(
            Finished(
                number=number,
                job=job,
                result=None if error is not None else result,
                error=error,
                joules=None if error is not None else self.ledger.joules(number),
                contended=error is None and self.ledger.is_contended(number),
                spent_joules=self.ledger.spent_joules,
                front=self.ledger.front(),
                measured=len(self.measured),
                total=self.total,
            )
        )

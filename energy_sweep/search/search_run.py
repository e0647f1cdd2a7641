"""One command at work on a study: claims, runs, prices and tells, and knows when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from energy_sweep.record import BadInput, EnergySweepError, TrialResult
from energy_sweep.search.budget import Budget
from energy_sweep.search.events import (
    UNPRICED,
    Certainty,
    Chosen,
    Finished,
    OnEvent,
    Outcome,
    Planned,
    Started,
    Stop,
    one_line,
)
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import Job, RunOrder, run_order

Run = Callable[[int, Job], TrialResult]


@dataclass(slots=True)
class TrialTally:
    """What became of the trials of one command, by their numbers."""

    new: list[int] = field(default_factory=list[int])
    infeasible: list[int] = field(default_factory=list[int])
    failed: list[int] = field(default_factory=list[int])
    failures_in_a_row: int = 0
    predicted: tuple[tuple[float, float], ...] = ()

    def failure(self, number: int) -> None:
        """Count a trial that failed."""
        self.failed.append(number)
        self.failures_in_a_row += 1

    def success(self, number: int, result: TrialResult) -> None:
        """Count a trial that has a result."""
        self.failures_in_a_row = 0
        (self.new if result.infeasible is None else self.infeasible).append(number)

    def outcome(self, *, repeats: int, stopped: Stop, certainty: tuple[Certainty, ...]) -> Outcome:
        """All of it, once it is over."""
        return Outcome(
            new=tuple(self.new),
            infeasible=tuple(self.infeasible),
            failed=tuple(self.failed),
            repeats=repeats,
            stopped=stopped,
            certainty=certainty,
            predicted=self.predicted,
        )


@dataclass(slots=True, kw_only=True)
class SearchRun:
    """One command at work on a study; `total` configurations are wanted, None for no number.

    What is in `first` is done before its own trials, and may give the budget that ended it; `buy`
    makes what was found surer, once nothing is left to try. Where `total` is a `cut`, the space has
    more, and the command ends when so many are measured.
    """

    trials: KnownTrials
    run: Run
    budget: Budget
    tell: OnEvent
    first: Sequence[Callable[[SearchRun], Stop | None]] = ()
    buy: Callable[[SearchRun], tuple[Certainty, ...]] | None = None
    total: int | None = None
    cut: bool = False
    tally: TrialTally = field(default_factory=TrialTally)

    def whole(self, jobs: Sequence[Job]) -> Outcome:
        """Run the grid in the order of its stages."""
        planned, known, tried = self.plan(jobs), self.trials.numbers, self.trials.tried
        queue = (j for j in planned.jobs if j.identity not in known and j.identity not in tried)
        return self._work(queue, repeats=planned.repeats)

    def asked(self, queue: Iterator[Job], sampler: str, *, total: int | None) -> Outcome:
        """Run what a sampler asks for, one after the other."""
        self.begin(sampler, total=total)
        return self._work(queue, repeats=len(self.trials.answers()))

    def plan(self, jobs: Sequence[Job]) -> RunOrder:
        """The order of a grid, which is told."""
        known = self.trials.numbers.keys()
        planned = run_order(jobs, self.trials.store_records(), measured=known)
        self.total = len({job.identity[0] for job in jobs})
        self._announce(planned=planned, sampler=None)
        return planned

    def begin(self, sampler: str, *, total: int | None) -> None:
        """Tell that a sampler will be asked, until `total` configurations are measured."""
        if total is not None:
            self.total, self.cut = total, True
        self._announce(planned=None, sampler=sampler)

    def _announce(self, *, planned: RunOrder | None, sampler: str | None) -> None:
        self.tell(
            Planned(
                plan=planned,
                sampler=sampler,
                measured=len(self.trials.measured),
                total=self.total,
                adopted=tuple(trial.number for trial in self.trials.study.left_running()),
                spent_joules=self.trials.costs.spent_joules,
                evaluated_again=self.trials.evaluated_again(),
                constraints=self.trials.costs.constraints.text,
            )
        )

    def _work(self, queue: Iterator[Job], *, repeats: int) -> Outcome:
        stopped = None
        for prepare in self.first:
            stopped = stopped or prepare(self)
        stopped = stopped or self._drain(queue)
        if isinstance(queue, GainJobs):
            self.tally.predicted = queue.predicted
        is_over = self.buy is not None and stopped in ("done", "trials")
        certainty = self.buy(self) if self.buy is not None and is_over else ()
        outcome = self.tally.outcome(repeats=repeats, stopped=stopped, certainty=certainty)
        self.tell(outcome)
        return outcome

    def _drain(self, queue: Iterator[Job]) -> Stop:
        while True:
            stop = self.stop()
            if stop == "trials" or (job := next(queue, None)) is None:
                return stop or getattr(queue, "ended", None) or "done"
            if stop is not None:
                return stop
            if isinstance(queue, GainJobs):
                self.tell(Chosen(params=job.params, prediction=queue.prediction))
            self.measure(self.claim(job), job)

    def claim(self, job: Job) -> int:
        """Begin a trial in the study, and give its number."""
        return self.trials.study.claim(
            params=job.params,
            overrides=job.overrides,
            config=job.config,
            seed=job.seed,
            dials=job.dials,
        )

    def stop(self) -> Stop | None:
        """Which budget is used up, if any."""
        costs = self.trials.costs
        if self.tally.failures_in_a_row >= self.budget.max_failures:
            return "failures"
        if used_up := self.budget.used_up(costs.spent_joules, costs.spent_seconds):
            return used_up
        if self.cut and self.total is not None and len(self.trials.measured) >= self.total:
            return "trials"
        return None

    def measure(self, number: int, job: Job) -> None:
        """Run one claimed trial; what stops this process leaves it claimed, to be adopted."""
        self.trials.tried.add(job.identity)
        self.started(number, job)
        result, error = None, None
        try:
            result = self.run(number, job)
            if (result.config_key, result.seed) != job.identity:
                raise EnergySweepError("it measured another configuration than was planned")
            if not self.trials.price(number, result):
                raise EnergySweepError(UNPRICED)
            self.trials.keep(number, result)
        except BadInput as refusal:
            self.trials.study.fail(number, str(refusal))
            raise
        except Exception as failure:
            error = one_line(failure)
            self.trials.study.fail(number, error)
            self.tally.failure(number)
        else:
            self.tally.success(number, result)
        self.finished(number, job, result=result, error=error)

    def started(self, number: int, job: Job) -> None:
        """Tell that a trial begins."""
        measured = len(self.trials.measured)
        self.tell(Started(number=number, job=job, measured=measured, total=self.total))

    def finished(
        self, number: int, job: Job, *, result: TrialResult | None, error: str | None
    ) -> None:
        """Tell what became of a trial, and how the study stands by now."""
        costs = self.trials.costs
        self.tell(
            Finished(
                number=number,
                job=job,
                result=None if error is not None else result,
                error=error,
                joules=None if error is not None else costs.joules(number),
                contended=error is None and costs.is_contended(number),
                spent_joules=costs.spent_joules,
                front=costs.front(),
                measured=len(self.trials.measured),
                total=self.total,
                saved_joules=costs.saved_joules(),
            )
        )

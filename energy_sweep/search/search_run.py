"""One command at work on a study: claims, runs, prices and tells, and knows when to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from energy_sweep.record import BadInput, EnergySweepError, TrialResult
from energy_sweep.search.budget import Budget
from energy_sweep.search.events import (
    UNPRICED,
    Certainty,
    Chosen,
    OnEvent,
    Outcome,
    Stop,
    TakenOver,
    one_line,
)
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import Assignment, Job, RunOrder, run_order
from energy_sweep.search.tally import TrialTally
from energy_sweep.search.telling import finished_event, planned_event, started_event
from energy_sweep.study.sharing import TrialTaken

Run = Callable[[int, Job], TrialResult]


@dataclass(slots=True, kw_only=True)
class SearchRun:
    """One command at work on a study; `total` configurations are wanted, None for no number.

    What is in `first` is done before its own trials, and may give the budget that ended it; `adopt`
    takes over what others left, `drain` runs all, and `buy` makes what was found surer, once
    nothing is left to try. Where `total` is a `cut`, the space has more, and the command ends when
    so many are measured. So many `slots` run trials at a time, each in a thread; all but the
    running itself is done under the `guard`.
    """

    trials: KnownTrials
    run: Run
    budget: Budget
    tell: OnEvent
    adopt: Callable[[SearchRun], Assignment | Stop | None]
    drain: Callable[[SearchRun, Iterator[Job]], Stop]
    first: Sequence[Callable[[SearchRun], Stop | None]] = ()
    buy: Callable[[SearchRun], tuple[Certainty, ...]] | None = None
    total: int | None = None
    cut: bool = False
    slots: int = 1
    tally: TrialTally = field(default_factory=TrialTally)
    guard: threading.Condition = field(default_factory=threading.Condition)

    def whole(self, jobs: Sequence[Job]) -> Outcome:
        """Run the grid in the order of its stages."""
        planned = self.plan(jobs)
        queue = (job for job in planned.jobs if job.identity not in self.trials.taken)
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
        self.tell(planned_event(self, planned=planned, sampler=None))
        return planned

    def begin(self, sampler: str, *, total: int | None) -> None:
        """Tell that a sampler will be asked, until `total` configurations are measured."""
        if total is not None:
            self.total, self.cut = total, True
        self.tell(planned_event(self, planned=None, sampler=sampler))

    def _work(self, queue: Iterator[Job], *, repeats: int) -> Outcome:
        stopped = None
        for prepare in self.first:
            stopped = stopped or prepare(self)
        stopped = stopped or self.drain(self, queue)
        if isinstance(queue, GainJobs):
            self.tally.predicted = queue.predicted
        is_over = self.buy is not None and stopped in ("done", "trials")
        # Of several workers the last one buys certainty, for all.
        buys = is_over and not self.trials.study.leave(unless_last=True)
        certainty = self.buy(self) if self.buy is not None and buys else ()
        outcome = self.tally.outcome(repeats=repeats, stopped=stopped, certainty=certainty)
        self.tell(outcome)
        return outcome

    def next_assignment(self, queue: Iterator[Job]) -> Assignment | Stop | None:
        """What is to be run next, or why there is nothing; None where that hangs on what runs now.

        Under the guard.
        """
        self.trials.take_in()
        if orphan := self.adopt(self):
            return orphan
        while True:
            stop = self.stop()
            if stop == "trials":
                return stop
            if self._is_promised():
                return None
            if (job := next(queue, None)) is None:
                is_open = bool(self.trials.study.running())
                return None if is_open else stop or getattr(queue, "ended", None) or "done"
            if stop is not None:
                return stop
            try:
                number = self.trials.claim(job, allowed=lambda: not self._is_promised())
            except TrialTaken:
                self.trials.take_in()
                continue
            if isinstance(queue, GainJobs):
                self.tell(Chosen(params=job.params, prediction=queue.prediction))
            return Assignment(number, job)

    def _is_promised(self) -> bool:
        """Whether those that run now will be as many as are wanted."""
        return self.cut and self.trials.promised() >= (self.total or 0)

    def stop(self) -> Stop | None:
        """Which budget is used up, if any."""
        costs, budget = self.trials.costs, self.budget
        if self.tally.failures_in_a_row >= budget.max_failures:
            return "failures"
        if used_up := budget.used_up(costs.spent_joules, costs.spent_seconds):
            return used_up
        enough = self.cut and len(self.trials.measured) >= (self.total or 0)
        return "trials" if enough else None

    def measure(self, number: int, job: Job) -> None:
        """Run one claimed trial; what stops this process leaves it claimed, to be adopted."""
        with self.guard:
            self.trials.tried.add(job.identity)
            self.tell(started_event(self, number, job))
        try:
            result = self.run(number, job)
            if (result.config_key, result.seed) != job.identity:
                raise EnergySweepError("it measured another configuration than was planned")
        except BadInput as refusal:
            self.trials.study.fail(number, str(refusal))
            raise
        except Exception as failure:
            self.settle(number, job, None, one_line(failure))
        else:
            self.settle(number, job, result, None)

    def settle(self, number: int, job: Job, result: TrialResult | None, error: str | None) -> None:
        """Keep what became of a trial, and tell it."""
        with self.guard:
            try:
                if result is not None and not self.trials.price(number, result):
                    result, error = None, UNPRICED
                if result is not None:
                    self.trials.keep(number, result)
                    self.tally.success(number, result)
                else:
                    self.trials.study.fail(number, error or "")
                    self.tally.failure(number)
            except TrialTaken as taken:
                self.tell(TakenOver(number=number, why=str(taken)))
            else:
                self.tell(finished_event(self, number, job, result=result, error=error))
            self.guard.notify_all()

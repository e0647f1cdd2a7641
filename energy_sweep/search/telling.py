"""What a command tells of its trials and of how the study stands by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from energy_sweep.record import TrialResult
from energy_sweep.search.events import Finished, Planned, Started
from energy_sweep.search.run_order import Job, RunOrder

if TYPE_CHECKING:
    from energy_sweep.search.known_trials import KnownTrials


class Progressing(Protocol):
    """What is known of a command: its trials, and how many configurations are wanted."""

    trials: KnownTrials
    total: int | None


def planned_event(sweep: Progressing, *, planned: RunOrder | None, sampler: str | None) -> Planned:
    """What is to be run, before anything is."""
    trials = sweep.trials
    return Planned(
        plan=planned,
        sampler=sampler,
        measured=len(trials.measured),
        total=sweep.total,
        adopted=tuple(trial.number for trial in trials.study.left_running()),
        spent_joules=trials.costs.spent_joules,
        evaluated_again=trials.evaluated_again(),
        constraints=trials.costs.constraints.text,
        others=len(trials.study.others()),
    )


def started_event(sweep: Progressing, number: int, job: Job) -> Started:
    """A trial begins."""
    return Started(number=number, job=job, measured=len(sweep.trials.measured), total=sweep.total)


def finished_event(
    sweep: Progressing, number: int, job: Job, *, result: TrialResult | None, error: str | None
) -> Finished:
    """What became of a trial, and how the study stands by now."""
    costs, is_known = sweep.trials.costs, error is None
    return Finished(
        number=number,
        job=job,
        result=result if is_known else None,
        error=error,
        joules=costs.joules(number) if is_known else None,
        contended=is_known and costs.is_contended(number),
        spent_joules=costs.spent_joules,
        front=costs.front(),
        measured=len(sweep.trials.measured),
        total=sweep.total,
        saved_joules=costs.saved_joules(),
    )

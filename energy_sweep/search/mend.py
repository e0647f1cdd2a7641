"""Trials whose readings were damaged or lost are measured again: their results stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from energy_sweep.record import BadInput, TrialResult
from energy_sweep.search.events import Stop, one_line
from energy_sweep.search.run_order import Job
from energy_sweep.store import unrecorded

if TYPE_CHECKING:
    from energy_sweep.search.search_run import SearchRun


def mend(sweep: SearchRun) -> Stop | None:
    """Run trials of today's space again, under their numbers, whose stage records are gone.

    What the store still holds is not done again. Gives the budget that ended it before all were.
    """
    trials = sweep.trials
    for trial in trials.study.trials:
        if trial.result is None or trial.state == "running":
            continue
        point = trials.point(trial.number)
        if point is None or not unrecorded(trial.result, trials.store_records()):
            continue
        if (stop := sweep.stop()) is not None:
            return stop
        _measure(sweep, trial.number, trial.result, trials.index.job(point))
    return None


def _measure(sweep: SearchRun, number: int, known: TrialResult, job: Job) -> None:
    sweep.started(number, job)
    error = None
    try:
        result = sweep.run(number, job)
        if result.correct != known.correct:
            error = f"measured again, {result.correct} images are right, and not {known.correct}"
    except BadInput:
        raise
    except Exception as failure:
        error = one_line(failure)
    if error is None:
        sweep.tally.failures_in_a_row = 0
    else:
        sweep.tally.failure(number)
    sweep.trials.price(number, known)
    sweep.finished(number, job, result=known, error=error)

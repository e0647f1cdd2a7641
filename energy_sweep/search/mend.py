"""Trials whose readings were damaged or lost are measured again: their results stay.

So are evaluations of former versions, which did not keep which images were right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from energy_sweep.record import BadInput, TrialResult
from energy_sweep.record.answers import FACT
from energy_sweep.record.missing import has_weights, unanswered, unrecorded
from energy_sweep.search.events import Stop, one_line
from energy_sweep.search.run_order import Job
from energy_sweep.search.telling import finished_event, started_event
from energy_sweep.store import StageStore

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
        point, records = trials.point(trial.number), trials.store_records()
        if point is None or not (
            unrecorded(trial.result, records) or unanswered(trial.result, records)
        ):
            continue
        if (stop := sweep.stop()) is not None:
            return stop
        _measure(sweep, trial.number, trial.result, trials.index.job(point))
    return None


def give_up_answers(results: Iterable[TrialResult], store: StageStore) -> None:
    """Note for good which evaluations cannot say which images were right.

    Those are of former versions, and their nets would have to be trained again for it.
    """
    for result in results:
        keys = unanswered(result, store.records())
        if keys and not has_weights(result.stages, store.root):
            for key in keys:
                with store.alone(key) as record:
                    if record is not None:
                        store.put(replace(record, facts={**record.facts, FACT: None}))


def _measure(sweep: SearchRun, number: int, known: TrialResult, job: Job) -> None:
    sweep.tell(started_event(sweep, number, job))
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
    sweep.tell(finished_event(sweep, number, job, result=known, error=error))

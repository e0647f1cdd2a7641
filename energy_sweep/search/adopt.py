"""Trials that a worker left running, since it was killed, are finished under their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from energy_sweep.search.events import UNPRICED, Stop
from energy_sweep.search.run_order import Assignment
from energy_sweep.study.sharing import TrialTaken

if TYPE_CHECKING:
    from energy_sweep.search.search_run import SearchRun

LEFT_BEHIND = "a killed sweep left it, and today's axes do not ask for it"


def next_orphan(sweep: SearchRun) -> Assignment | Stop | None:
    """The next trial that was left and that today's space asks for, taken over.

    Gives the budget that keeps it from being run; None where none is left.
    """
    trials, study = sweep.trials, sweep.trials.study
    for trial in study.left_running():
        point = trials.point(trial.number)
        try:
            if trial.result is not None and trials.price(trial.number, trial.result):
                trials.keep(trial.number, trial.result)
            elif trial.result is not None:
                study.fail(trial.number, UNPRICED)
            elif point is None or study.identity(trial.number) in trials.numbers:
                study.fail(trial.number, LEFT_BEHIND)
            elif (stop := sweep.stop()) is not None:
                return stop
            else:
                job = trials.index.job(point)
                study.hold(trial.number)
                return Assignment(trial.number, job)
        except TrialTaken:
            trials.take_in()
    return None

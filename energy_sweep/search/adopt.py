"""Trials that a killed sweep left running are finished under their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from energy_sweep.search.events import UNPRICED, Stop

if TYPE_CHECKING:
    from energy_sweep.search.search_run import SearchRun

LEFT_BEHIND = "a killed sweep left it, and today's axes do not ask for it"


def adopt(sweep: SearchRun) -> Stop | None:
    """Finish what was left, as far as today's space asks for it.

    Gives the budget that ended it before all were.
    """
    trials, study = sweep.trials, sweep.trials.study
    for trial in study.left_running():
        point = trials.point(trial.number)
        if trial.result is not None and trials.price(trial.number, trial.result):
            trials.keep(trial.number, trial.result)
        elif trial.result is not None:
            study.fail(trial.number, UNPRICED)
        elif point is None or study.identity(trial.number) in trials.numbers:
            study.fail(trial.number, LEFT_BEHIND)
        elif (stop := sweep.stop()) is not None:
            return stop
        else:
            study.hold(trial.number)
            sweep.measure(trial.number, trials.index.job(point))
    return None

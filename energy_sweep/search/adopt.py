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
    for trial in sweep.study.left_running():
        identity = sweep.study.identity(trial.number)
        point = sweep.atlas.locate(identity, trial.params)
        if trial.result is not None and sweep.priced(trial.number, trial.result):
            sweep.tell(trial.number, trial.result)
        elif trial.result is not None:
            sweep.study.fail(trial.number, UNPRICED)
        elif point is None or identity in sweep.known:
            sweep.study.fail(trial.number, LEFT_BEHIND)
        elif (stop := sweep.stop()) is not None:
            return stop
        else:
            sweep.study.hold(trial.number)
            sweep.measure(trial.number, sweep.atlas.job(point))
    return None

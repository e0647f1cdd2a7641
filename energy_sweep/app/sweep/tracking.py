"""Trials told to MLflow while a sweep runs (`track=mlflow`), between their measured windows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from energy_sweep.record import JsonDict, Objective, StageRecord
from energy_sweep.search import Event, Finished
from energy_sweep.search.events import OnEvent, one_line
from energy_sweep.study.paths import EXPORTED
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.export.mlflow_runs import MlflowRuns
    from energy_sweep.front import PricedStudy
    from energy_sweep.study import Study


class Tracker:
    """Writes each trial as it ends, and all of them with their last prices at the end.

    What goes wrong there is said once, and ends nothing but the tracking.
    """

    def __init__(self, to: str | None) -> None:
        self._to = to
        self._runs: MlflowRuns | None = None

    @staticmethod
    def of(values: JsonDict) -> Tracker:
        """The one that was typed; BadInput, before anything is spent, where it lacks a library."""
        if values["track"] is not None:
            from energy_sweep.export.libraries import check_installed

            check_installed("mlflow", "mlflow-skinny", "mlflow")
        return Tracker(values["track"])

    def after(
        self,
        tell: OnEvent,
        study: Study,
        records: Callable[[], Mapping[str, StageRecord]],
        objective: Objective,
    ) -> OnEvent:
        """What tells an event, and then tracks it."""

        def track(runs: MlflowRuns, number: int) -> None:
            from energy_sweep.export.study_figures import trial_alone

            runs.put_trial(trial_alone(study.record(records()), number, objective))

        def told(event: Event) -> None:
            tell(event)
            if isinstance(event, Finished) and event.result is not None:
                self._try(study.name, track, event.number)

        return told if self._to is not None else tell

    def put_all(self, priced: PricedStudy) -> None:
        """Write all trials as they are priced at the end."""

        def put(runs: MlflowRuns) -> None:
            from energy_sweep.export.study_figures import study_figures

            runs.put_study(study_figures(priced))

        self._try(priced.study.name, put)

    def _try(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        if self._to is None:
            return
        try:
            if self._runs is None:
                from energy_sweep.export.mlflow_runs import MlflowRuns

                self._runs = MlflowRuns(EXPORTED / self._to, name).__enter__()
            work(self._runs, *arguments)
        except Exception as error:  # a tracker's is no reason to lose a sweep
            said = f"track={self._to} ends here, and the sweep goes on: {one_line(error)}"
            print(terminal.escape(said), file=sys.stderr, flush=True)
            self._to = None

"""MLflow: a run for each trial, below one for the sweep, in an SQLite file, without a server."""
# MLflow is no dependency.
# pyright: reportMissingImports=false

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energy_sweep.export.libraries import import_library
from energy_sweep.export.study_figures import StudyFigures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.record import BadInput, JsonDict

if TYPE_CHECKING:
    from mlflow.entities import Metric

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
PREFIX = "energy_sweep."
STUDY, TRIAL, SWEEP = f"{PREFIX}study", f"{PREFIX}trial", "sweep"
MOST = 100  # params or tags that MLflow takes at once
LONGEST = 500  # characters of a parameter that every version of it takes
PAGE = 1000
STATUS = {"failed": "FAILED", "running": "RUNNING"}
STEPS = ("joules", "uncertainty_joules", "seconds", "loss")


def write(study: StudyFigures, folder: Path) -> str:
    """Put a study into `FOLDER/mlflow.db`, over what was put there of it before."""
    with MlflowRuns(folder, study.name) as runs:
        runs.put_study(study)
    return f"mlflow ui --backend-store-uri sqlite:///{folder / DATABASE} (of the whole mlflow)"


class MlflowRuns:
    """The runs of one study in a store of MLflow's; `with` names what MLflow refuses in one line.

    A run is found again by the tags of its study and trial, and never made twice.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._new: set[str] = set()  # runs that hold nothing yet

    def __enter__(self) -> MlflowRuns:
        mlflow = import_library("mlflow", "mlflow-skinny", "mlflow")
        from mlflow import entities
        from sqlalchemy.exc import SQLAlchemyError

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self._entities = entities
        self._errors = (mlflow.MlflowException, SQLAlchemyError)
        try:
            self._open(mlflow)
        except self._errors as error:
            raise self._refusal(error) from error
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and isinstance(error, self._errors):
            raise self._refusal(error) from error

    def _open(self, mlflow: Any) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder.absolute()
        self._client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{place / DATABASE}")
        known = self._client.get_experiment_by_name(self._name)
        self._experiment: str = (
            known.experiment_id
            if known is not None
            else self._client.create_experiment(
                self._name, artifact_location=(place / ARTIFACTS).as_uri()
            )
        )
        self._known = {
            run.data.tags.get(TRIAL, ""): run
            for run in self._all_runs()
            if run.data.tags.get(STUDY) == self._name
        }

    def _refusal(self, error: BaseException) -> BadInput:
        said = " ".join(str(error).split())[:300]
        return BadInput(f"MLflow refuses {self._folder}: {said}: type --into with a new folder")

    def put_study(self, study: StudyFigures) -> None:
        """The run of the sweep, and all its trials."""
        starts = [trial.started for trial in study.trials if trial.started is not None]
        ends = [trial.ended for trial in study.trials if trial.ended is not None]
        parent = self._run(SWEEP, self._name, tags={}, started=min(starts, default=None))
        self._log(parent, metrics=study.metrics, params={}, tags=study.tags)
        self._client.set_terminated(parent, "FINISHED", _milliseconds(max(ends, default=None)))
        for trial in study.trials:
            self.put_trial(trial)

    def put_trial(self, trial: TrialFigures) -> None:
        """The run of one trial, below that of its sweep."""
        parent = self._run(SWEEP, self._name, tags={}, started=trial.started)
        tags = {"mlflow.parentRunId": parent}
        run = self._run(str(trial.number), _run_name(trial), tags=tags, started=trial.started)
        params = {**trial.settings, **trial.params}
        self._log(run, metrics=trial.metrics, params=params, tags=trial.tags, epochs=trial.epochs)
        status, end = STATUS.get(trial.state, "FINISHED"), _milliseconds(trial.ended)
        if status == "RUNNING":
            self._client.update_run(run, status=status)
        else:
            self._client.set_terminated(run, status, end)

    def _all_runs(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _run(self, trial: str, name: str, *, tags: dict[str, str], started: float | None) -> str:
        """The id of the run of a trial, made where there is none."""
        if trial not in self._known:
            self._known[trial] = self._client.create_run(
                self._experiment,
                start_time=_milliseconds(started),
                tags={STUDY: self._name, TRIAL: trial, **tags},
                run_name=name,
            )
            self._new.add(self._known[trial].info.run_id)
        return self._known[trial].info.run_id

    def _log(
        self,
        run: str,
        *,
        metrics: Mapping[str, float],
        params: JsonDict,
        tags: Mapping[str, str],
        epochs: Sequence[JsonDict] = (),
    ) -> None:
        """Write what differs from what the run holds; parameters, which never change, once."""
        held = None if run in self._new else self._client.get_run(run).data
        self._new.discard(run)
        now = int(time.time() * 1000)
        changed = [
            self._entities.Metric(name, value, now, 0)
            for name, value in metrics.items()
            if held is None or held.metrics.get(name) != value
        ]
        changed += self._steps(run, epochs, now, is_new=held is None)
        added = [
            self._entities.Param(name, str(value)[:LONGEST])
            for name, value in params.items()
            if held is None or name not in held.params
        ]
        told = [
            self._entities.RunTag(f"{PREFIX}{name}", text)
            for name, text in tags.items()
            if held is None or held.tags.get(f"{PREFIX}{name}") != text
        ]
        groups = _portions(changed), _portions(added), _portions(told)
        for some in itertools.zip_longest(*groups, fillvalue=()):
            self._client.log_batch(run, metrics=some[0], params=some[1], tags=some[2])

    def _steps(
        self, run: str, epochs: Sequence[JsonDict], now: int, *, is_new: bool
    ) -> list[Metric]:
        """A step for each epoch, of the figures of which the run does not hold just these."""
        found: list[Metric] = []
        for name in STEPS:
            values = {one["epoch"]: one[name] for one in epochs if one.get(name) is not None}
            key = f"epoch_{name}"
            known = [] if is_new or not values else self._client.get_metric_history(run, key)
            if {one.step: one.value for one in known} != values:
                found += [
                    self._entities.Metric(key, value, now, step) for step, value in values.items()
                ]
        return found


def _run_name(trial: TrialFigures) -> str:
    set_to = " ".join(f"{name}={value}" for name, value in trial.params.items())
    return f"trial {trial.number}  {set_to}"[: LONGEST // 2]


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _portions(found: Sequence[Any]) -> list[Sequence[Any]]:
    return [found[start : start + MOST] for start in range(0, len(found), MOST)]

"""TensorBoard: a folder of events for each trial, with its hyperparameters."""
# TensorBoard is no dependency.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from energy_sweep.export.libraries import import_library
from energy_sweep.export.own_folders import fresh, safe_name
from energy_sweep.export.study_figures import StudyFigures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.recipe.dials import value_text

SHOWN = (
    *("accuracy", "joules", "uncertainty_joules", "training_joules"),
    *("joules_per_1000_images", "belongs", "file_bytes", "latency_seconds"),
)
STEPS = ("joules", "uncertainty_joules", "seconds", "loss")
SUCCESS, FAILURE = 1, 2  # as TensorBoard numbers how a session of hyperparameters ended


def write(study: StudyFigures, folder: Path) -> str:
    """Write `FOLDER/NAME/trial-N` anew for each trial of a study."""
    events = _Events()
    root = folder / safe_name(study.name)
    fresh(root, "tensorboard", study.name)
    varied = dict.fromkeys(name for trial in study.trials for name in trial.params)
    shown = [name for name in SHOWN if any(name in trial.metrics for trial in study.trials)]
    events.experiment(root, list(varied), shown)
    for trial in study.trials:
        events.trial(root / f"trial-{trial.number:04d}", trial, shown)
    return f"tensorboard --logdir {root}"


class _Events:
    """Writes events through TensorBoard's own writer, whose summaries need no TensorFlow."""

    def __init__(self) -> None:
        import_library("tensorboard", "tensorboard", "tensorboard")
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2, summary_v2
        from tensorboard.plugins.text import metadata as text_metadata
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._hparams, self._data, self._tags = summary_v2, plugin_data_pb2, metadata
        self._text, self._writer = text_metadata, EventFileWriter
        self._now = time.time()

    def experiment(self, folder: Path, params: list[str], metrics: list[str]) -> None:
        """What all trials vary, and the columns of the table of hyperparameters."""
        made = self._hparams.hparams_config_pb(
            hparams=[self._hparams.HParam(name) for name in params],
            metrics=[self._hparams.Metric(name) for name in metrics],
            time_created_secs=self._now,
        )
        writer = self._writer(str(folder))
        self._add(writer, made, self._now)
        writer.close()

    def trial(self, folder: Path, trial: TrialFigures, shown: list[str]) -> None:
        """All of one trial."""
        writer = self._writer(str(folder))
        at, begun = trial.ended or self._now, trial.started or self._now
        params = {name: _plain(value) for name, value in trial.params.items()}
        start = self._hparams.hparams_pb(
            params, trial_id=f"trial {trial.number}", start_time_secs=begun
        )
        self._add(writer, start, begun)
        for name, value in trial.metrics.items():
            self._scalar(writer, name if name in shown else f"trial/{name}", value, 0, at)
        for one in trial.epochs:
            for name in STEPS:
                if one.get(name) is not None:
                    self._scalar(writer, f"epoch/{name}", one[name], one["epoch"], at)
        for name, text in trial.tags.items():
            self._add(writer, self._words(f"about/{name}", text), at)
        self._add(writer, self._ended(trial, at), at)
        writer.close()

    def _ended(self, trial: TrialFigures, at: float) -> Any:
        """That a trial is over, in the form of the plug-in for hyperparameters."""
        status = FAILURE if trial.state == "failed" else SUCCESS
        end = self._data.SessionEndInfo(status=status, end_time_secs=at)
        shape = self._tags.create_summary_metadata(
            self._data.HParamsPluginData(session_end_info=end)
        )
        value = self._summary.Value(tag=self._tags.SESSION_END_INFO_TAG, metadata=shape)
        return self._summary(value=[value])

    def _scalar(self, writer: Any, tag: str, value: float, step: int, at: float) -> None:
        made = self._summary(value=[self._summary.Value(tag=tag, simple_value=value)])
        self._add(writer, made, at, step)

    def _words(self, tag: str, text: str) -> Any:
        from tensorboard.compat.proto import tensor_pb2, tensor_shape_pb2, types_pb2

        tensor = tensor_pb2.TensorProto(
            dtype=types_pb2.DT_STRING,
            string_val=[text.encode()],
            tensor_shape=tensor_shape_pb2.TensorShapeProto(
                dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]
            ),
        )
        shape = self._text.create_summary_metadata(tag, "")
        value = self._summary.Value(tag=f"{tag}/text_summary", tensor=tensor, metadata=shape)
        return self._summary(value=[value])

    def _add(self, writer: Any, summary: Any, at: float, step: int = 0) -> None:
        writer.add_event(self._event(wall_time=at, step=step, summary=summary))


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else value_text(value)

"""Puts a study record on disk as a sweep would."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.meter import meter_id
from energy_sweep.record import StudyRecord
from energy_sweep.store import StageStore
from energy_sweep.study import open_study
from energy_sweep.study.space import Axis, Space


def store_study(outputs: Path, name: str, record: StudyRecord) -> Path:
    """Write a study that the verbs can read; give its folder."""
    folder = outputs / name
    store = StageStore(folder / "stages", meter_id=meter_id(record.meter))
    for stage in record.stages.values():
        store.put(stage)
    identity = {"dataset": "toy"}
    with open_study(
        folder,
        name,
        space=_space(record),
        meter=record.meter,
        machine=record.machine,
        identity=identity,
    ) as study:
        for trial in record.trials:
            result = trial.result
            assert result is not None
            number = study.claim(
                params=trial.params, overrides=trial.overrides, config=result.config
            )
            study.finish(number, result, None if result.infeasible else 1.0 + number)
    return folder


def _space(record: StudyRecord) -> Space:
    names = dict.fromkeys(name for trial in record.trials for name in trial.params)
    return Space(
        tuple(
            Axis(name=name, values=tuple(dict.fromkeys(t.params[name] for t in record.trials)))
            for name in names
        )
    )

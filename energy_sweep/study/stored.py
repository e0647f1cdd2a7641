"""A study on disk, together with the stages that price it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from energy_sweep import study
from energy_sweep.meter import meter_id
from energy_sweep.record import MeterFacts, StageRecord, StudyRecord, TrialRecord
from energy_sweep.record.documents import read_settings
from energy_sweep.record.missing import unrecorded
from energy_sweep.record.seal import Damaged
from energy_sweep.store import StageStore
from energy_sweep.study.paths import DATABASE, JOURNAL, MULTIRUN, OUTPUTS, STAGES, is_study

RECORDS = "*/*/record-*.json"  # what makes a folder a store of stages


def load_study(folder: Path | str, stages: Mapping[str, StageRecord] | None = None) -> StudyRecord:
    """Everything known of the study in `folder`, which a sweep may be changing meanwhile.

    `folder` may also be its database or journal, or its name under outputs/; `stages` are those of
    its own store, unless others are handed in. BadInput where there is none.
    """
    folder = _folder(Path(folder))
    record = study.load_study(folder, stages or {})
    return record if stages is not None else with_stages(record, store_of(folder, record.meter))


def with_stages(record: StudyRecord, store: StageStore) -> StudyRecord:
    """A study with the stages of a store; what is damaged or gone of them is said in `damage`.

    Right answers are counted once by a trial and once by the record of its evaluation: where they
    differ, the record's are believed if it is sealed.
    """
    stages, damage = store.records(), (*record.damage, *_store_damage(record, store))
    trials = list[TrialRecord]()
    for trial in record.trials:
        sealed, right = _evaluation(trial, store)
        if trial.result is not None and right not in (None, trial.result.correct):
            line = f"trial {trial.number}: {trial.result.correct} images are right by its result,"
            line += f" and {right} by the {'' if sealed else 'un'}sealed record of its evaluation:"
            damage = (*damage, f"{line} the {'second' if sealed else 'first'} is read")
            if sealed:
                result = dataclasses.replace(trial.result, correct=right)
                trial = dataclasses.replace(trial, result=result)
        trials.append(trial)
    return dataclasses.replace(record, trials=tuple(trials), stages=stages, damage=damage)


def _evaluation(trial: TrialRecord, store: StageStore) -> tuple[bool, int | None]:
    """Whether the record of a trial's evaluation is sealed, and how many images it has right."""
    result = trial.result
    for use in result.stages if result is not None and result.correct is not None else ():
        record = store.get(use.key) if use.stage == "evaluate" else None
        right = None if record is None else record.facts.get("correct")
        if isinstance(right, int):
            return use.key not in store.unsealed, right
    return False, None


def _store_damage(record: StudyRecord, store: StageStore) -> list[str]:
    cure = "the sweep that measured it makes it anew, if a trial needs it"
    lines = [
        f"stage record {path.relative_to(store.root)} ({reason}), which is left out: {cure}"
        for path, reason in store.damaged.items()
    ]
    short = {
        number: keys
        for number, result in record.results
        if (keys := unrecorded(result, store.records()))
    }
    if short:
        trials = ", ".join(map(str, sorted(short)))
        count = len({key for keys in short.values() for key in keys})
        cure = "the sweep that measured them makes them anew"
        lines.append(
            f"readings of {count} stage{'s' if count > 1 else ''} of trial {trials} are gone, so"
            f" that joules and savings may be wrong: {cure}"
        )
    return lines


def store_of(folder: Path, meter: MeterFacts) -> StageStore:
    """The store of a study's stages, with the readings of a meter."""
    return StageStore(stage_root(folder), meter_id=meter_id(meter), coefficients=meter.coefficients)


def stage_root(folder: Path) -> Path:
    """Where the stages of a study lie: as its last sweep says, or else in its folder.

    A copy of a study has stages of its own, also where its file still names those of the original.
    """
    own = folder / STAGES
    named = folder / (_stages_setting(folder / MULTIRUN) or STAGES)
    if is_outside(named, folder):
        is_anothers = is_study(named.parent) and own.is_dir()
        return named if any(named.glob(RECORDS)) and not is_anothers else own
    return named if named.is_dir() else own


def is_outside(stages: Path, folder: Path) -> bool:
    """Whether a store lies outside of a study's folder, so that others may use it too."""
    real, home = (Path(os.path.realpath(path)) for path in (stages, folder))
    return not real.is_relative_to(home)


def _stages_setting(multirun: Path) -> str | None:
    """What the last sweep of a study was told of its store, None where its file cannot say."""
    try:
        stages = read_settings(multirun).get("stages")
    except (OSError, Damaged):
        return None
    return stages if isinstance(stages, str) else None


def _folder(named: Path) -> Path:
    if named.name in (DATABASE, JOURNAL) and named.is_file():
        return named.parent
    below = OUTPUTS / named
    return below if not is_study(named) and is_study(below) else named

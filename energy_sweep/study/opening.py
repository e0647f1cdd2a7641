"""Open a study for a sweep, or load one to look at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout
from optuna.storages import RDBStorage

from energy_sweep.record import BadInput, MeterFacts, Plain, StageRecord, StudyRecord, to_plain
from energy_sweep.space import Space
from energy_sweep.study import database
from energy_sweep.study.attributes import ours, study_record, trial_record
from energy_sweep.study.base import Study
from energy_sweep.study.display import Display, displays


def open_study(
    folder: Path | str,
    name: str,
    *,
    space: Space,
    meter: MeterFacts,
    machine: Plain,
    identity: Plain,
) -> Study:
    """Open or make the study in `folder` for a sweep over `space`, and lock it.

    `identity` says what all trials must share, by word (`dataset`, `split`, `runtime`). Another
    identity, device class or set of meter domains, and a second sweep, raise BadInput.
    """
    if "://" in str(folder):
        raise BadInput("a study lives in a folder: leave the storage out, and type name=NAME")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}: type outputs=FOLDER, one of yours") from error
    lock = FileLock(folder / database.LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BadInput(
            f"another sweep of {name} is running: wait for its end, or type name=OTHER"
        ) from error
    facts = {"name": name, "meter": to_plain(meter), "machine": machine, "identity": identity}
    try:
        storage = database.connect(folder)
        display = _prepare(storage, facts, space, folder)
        return Study(storage=storage, lock=lock, space=space, display=display)
    except BaseException:
        lock.release()
        raise


def load_study(folder: Path | str, stages: Mapping[str, StageRecord]) -> StudyRecord:
    """Everything known of the study in `folder`, which a sweep may be changing meanwhile."""
    folder = Path(folder)
    if not (folder / database.FILE).is_file():
        raise BadInput(f"no study in {folder}: type -m with the axes to sweep to make one")
    storage = database.connect(folder)
    try:
        found = database.current(storage)
        if found is None:
            raise BadInput(f"the study in {folder} was never begun: run its sweep again")
        facts = storage.get_study_user_attrs(found[0])
        stored = storage.get_all_trials(found[0], deepcopy=False)
        trials = [trial_record(trial) for trial in ours(stored)]
        return study_record(facts, trials, stages)
    finally:
        database.disconnect(storage)


def _prepare(storage: RDBStorage, facts: Plain, space: Space, folder: Path) -> Display:
    """Make the study, or check that it is the same one and that Optuna can take its axes."""
    found = database.current(storage)
    if found is None:
        database.create(storage, facts["name"], facts)
        return displays([], space)
    trials = ours(storage.get_all_trials(found[0], deepcopy=False))
    if trials:
        stored = storage.get_study_user_attrs(found[0])
        _check_name(stored, facts, folder)
        _compare(stored, facts)
        # Coefficients may have changed: what is stored is priced by today's.
        storage.set_study_user_attr(found[0], "meter", facts["meter"])
    else:
        for key, value in facts.items():
            storage.set_study_user_attr(found[0], key, value)
    return database.mend(storage, space)


def _check_name(stored: Plain, facts: Plain, folder: Path) -> None:
    """Refuse a study of another name, unless its folder was renamed so."""
    if facts["name"] not in (stored["name"], folder.name):
        raise BadInput(
            f"{folder} holds the study {stored['name']}, and not {facts['name']}: type"
            f" name={stored['name']} to go on with it, or another hydra.sweep.dir"
        )


def _compare(stored: Plain, facts: Plain) -> None:
    """Refuse what would put joules or accuracies that do not compare into one front."""
    for what, old in _essence(stored).items():
        new = _essence(facts).get(what)
        if old != new:
            raise BadInput(
                f"{facts['name']} holds trials of another {what} ({_brief(old, new)} there, "
                f"{_brief(new, old)} here): type name=OTHER for a new study"
            )


def _essence(facts: Plain) -> Plain:
    return {
        "device class": facts["machine"].get("device_class"),
        "set of meter domains": sorted(facts["meter"]["domains"]),
        "meter": sorted(facts["meter"]["sources"]),
        **facts["identity"],
    }


def _brief(value: Any, other: Any) -> str:
    """A value in a few words; of two mappings only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        mine, others = cast(Plain, value), cast(Plain, other)
        value = {key: mine[key] for key in mine if key not in others or mine[key] != others[key]}
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

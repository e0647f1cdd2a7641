"""Optuna's SQLite file in a study's folder, and which of the Optuna studies in it is ours.

An Optuna study cannot change the choices of an axis, nor a finished trial its parameters. So a
study is a row of generations in one file: the newest complete one counts and bears the study's
name, and making the next is finished by a single write.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy import text

from energy_sweep.record import BadInput, JsonDict
from energy_sweep.study.attributes import ours
from energy_sweep.study.display import Display, copied, displays, is_shown, is_told
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.paths import DATABASE
from energy_sweep.study.reading import GENERATION, UnreadableDatabase, is_outside
from energy_sweep.study.space import Space

OF_YOUR_OWN = (
    "front, choose, report --to and deploy read it as it is; to go on with it, copy its folder,"
    " or type outputs=FOLDER, one of yours"
)
ROOM_BYTES = 2**20  # less than that is no room for a database


class _Connection(sqlite3.Connection):
    """Readers do not wait for the writer, and a trial's few writes do not wait for the disk."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")


def connect(folder: Path) -> RDBStorage:
    """A folder's storage; UnreadableDatabase if it is damaged, BadInput if it is shut."""
    return connect_file(folder / DATABASE)


def connect_file(path: Path) -> RDBStorage:
    """The storage in a file, made if need be."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with refusals(path):
        return RDBStorage(
            f"sqlite:///{os.path.realpath(path)}",
            engine_kwargs={"connect_args": {"timeout": 60, "factory": _Connection}},
        )


@contextmanager
def refusals(path: Path) -> Generator[None]:
    """Tell damage (UnreadableDatabase) from a place or version that bars us (BadInput)."""
    try:
        yield
    except (BadInput, UnreadableDatabase, OSError, MemoryError):
        raise
    except Exception as error:  # Optuna lets all through that a damaged row makes of it
        reason = _reason(error)
        if isinstance(reason, sqlite3.Error) and (number := _disk_error(reason, path)):
            raise OSError(number, os.strerror(number), str(path)) from error
        if isinstance(reason, sqlite3.Error) and is_outside(reason):
            raise BadInput(f"{path} cannot be written ({reason}): {OF_YOUR_OWN}") from error
        said = " ".join(f"{reason}".split()) or type(reason).__name__
        if isinstance(reason, RuntimeError) and "version" in said:
            raise BadInput(f"{path} is of another version of Optuna: {said}") from error
        raise UnreadableDatabase(said) from error


def _disk_error(error: sqlite3.Error, path: Path) -> int:
    """The errno of what the disk refused SQLite, 0 where it was not the disk.

    Without room for the file that it shares with others, SQLite speaks of input and output.
    """
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    is_full = shutil.disk_usage(path.parent).free < ROOM_BYTES
    if kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and is_full):
        return errno.ENOSPC
    return errno.EIO if kind == sqlite3.SQLITE_IOERR else 0


def _reason(error: BaseException) -> BaseException:
    """The first cause of an error: what SQLite said, where it did."""
    while not isinstance(error, sqlite3.Error) and (cause := error.__cause__ or error.__context__):
        error = cause
    return error


def disconnect(storage: RDBStorage) -> None:
    """Close this process's connections, so that the files beside the database are put away."""
    storage.remove_session()
    storage.engine.dispose()


def current(storage: RDBStorage) -> tuple[int, str, int] | None:
    """Id, Optuna name and number of the newest complete generation, or None."""
    found = [
        (one.user_attrs[GENERATION], one.study_name)
        for one in storage.get_all_studies()
        if GENERATION in one.user_attrs
    ]
    if not found:
        return None
    generation, name = max(found)
    return storage.get_study_id_from_name(name), name, generation


def create(
    storage: RDBStorage,
    attributes: JsonDict,
    trials: Iterable[FrozenTrial] = (),
    display: Display | None = None,
) -> None:
    """Make the first generation, of these trials; it counts once its last attribute is written."""
    study_id = _begin(storage, attributes["name"])
    for trial in trials:
        storage.create_new_trial(study_id, copied(trial, display or {}))
    for key, value in attributes.items():
        storage.set_study_user_attr(study_id, key, sealed_fact(value))
    storage.set_study_user_attr(study_id, GENERATION, 1)


def retell(
    storage: RDBStorage, display: Display, violations: Mapping[int, Mapping[str, float]]
) -> int:
    """Show all trials under other constraints, by their numbers; gives the id of the study."""
    succeed(storage, display, violations)
    _settle(storage)
    found = current(storage)
    assert found is not None
    return found[0]


def succeed(
    storage: RDBStorage,
    display: Display,
    violations: Mapping[int, Mapping[str, float]] | None = None,
) -> None:
    """Make the next generation: all trials under their numbers, shown as `display` says, and under
    other constraints where their violations are given."""
    found = current(storage)
    if found is None:
        raise ValueError("there is no generation to succeed")
    old, _, generation = found
    name = storage.get_study_user_attrs(old)["name"]
    new = _begin(storage, f"{name} ({generation + 1})")
    trials = storage.get_all_trials(old, deepcopy=False)
    copies = {
        str(storage.get_trial_id_from_study_id_trial_number(old, trial.number)): str(
            storage.create_new_trial(new, copied(trial, display, violations))
        )
        for trial in trials
    }
    for key, value in storage.get_study_system_attrs(old).items():
        # The dashboard keeps the note of a trial in its study, under "dashboard:TRIAL ID:...".
        head, *tail = key.split(":")
        tail[:1] = [copies.get(part, part) for part in tail[:1]]
        storage.set_study_system_attr(new, ":".join([head, *tail]), value)
    for key, value in storage.get_study_user_attrs(old).items():
        if key != GENERATION:
            storage.set_study_user_attr(new, key, value)
    storage.set_study_user_attr(new, GENERATION, generation + 1)


def mend(storage: RDBStorage, space: Space) -> Display:
    """Let Optuna show every axis of every trial alike, under the study's own name.

    Axes are those of `space` and of all trials; what Optuna holds already is left as it is.
    """
    _settle(storage)
    found = current(storage)
    if found is None:
        raise ValueError("there is no generation to mend")
    trials = ours(storage.get_all_trials(found[0], deepcopy=False))
    display = displays(trials, space)
    if not all(is_shown(trial, display) and is_told(trial) for trial in trials):
        succeed(storage, display)
        _settle(storage)
    return display


def _settle(storage: RDBStorage) -> None:
    """Leave the newest generation alone under the study's name, also after a kill in between."""
    found = current(storage)
    if found is None:
        return
    newest, name, generation = found
    wanted = storage.get_study_user_attrs(newest)["name"]
    if name != wanted:
        _rename(storage, newest, wanted)
    for one in storage.get_all_studies():
        if one.user_attrs.get(GENERATION, generation) < generation:
            storage.delete_study(storage.get_study_id_from_name(one.study_name))


def _rename(storage: RDBStorage, study_id: int, name: str) -> None:
    """Give a study its name in one step; whoever bore it is told apart by its number."""
    away = text(
        "UPDATE studies SET study_name = :name || ' (' || study_id || ')' WHERE study_name = :name"
    )
    take = text("UPDATE studies SET study_name = :name WHERE study_id = :id")
    storage.remove_session()
    with storage.engine.begin() as connection:
        connection.execute(away, {"name": name})
        connection.execute(take, {"name": name, "id": study_id})


def optuna_study(storage: RDBStorage, name: str) -> optuna.Study:
    """The Optuna study of that name, with a sampler that costs nothing."""
    return optuna.load_study(study_name=name, storage=storage, sampler=RandomSampler())


def _begin(storage: RDBStorage, name: str) -> int:
    """A new Optuna study; one that was begun under its name and not completed goes."""
    for one in storage.get_all_studies():
        if one.study_name == name and GENERATION not in one.user_attrs:
            storage.delete_study(storage.get_study_id_from_name(name))
    directions = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    study_id = storage.create_new_study(directions, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna_study(storage, name).set_metric_names(["accuracy", "joules"])
    return study_id

"""The database of a study as it lies there, read without Optuna and without a write.

Optuna makes tables and versions as it opens a file, and stops at the first row that is damaged.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from energy_sweep.record import EnergySweepError
from energy_sweep.study.paths import DATABASE

GENERATION = "generation"
LOST_ROWS = "rows of its trials are lost"
MOST_TRIALS = 10**6  # of one study; what is beyond that was never counted
KEYS = ("claim", "result", "error", "lease")
# Errors of SQLite that tell of where the file lies, and not of what it holds.
OUTSIDE = ("BUSY", "LOCKED", "READONLY", "FULL", "IOERR", "CANTOPEN", "PERM", "NOMEM", "AUTH")


class UnreadableDatabase(EnergySweepError):
    """A database that is no whole one; the message is the reason."""


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """What the database holds of a trial, as text: its state, our attributes, its values."""

    state: str
    texts: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[int, float] = field(default_factory=dict[int, float])


@dataclass(frozen=True, slots=True)
class Rows:
    """The newest generation in a database: facts and trials as text, and what is wrong as such."""

    facts: dict[str, str]
    trials: dict[int, StoredTrial]
    damage: tuple[str, ...] = ()


def read_database(folder: Path) -> Rows | None:
    """What a study's database holds, None where no study was begun in it.

    UnreadableDatabase where it is missing, or damaged beyond reading.
    """
    path = folder / DATABASE
    if not path.is_file():
        raise UnreadableDatabase("it is missing")
    try:
        return _connected(Path(os.path.realpath(path)))
    except sqlite3.Error as error:
        raise UnreadableDatabase(str(error)) from error
    except (TypeError, ValueError) as error:  # damaged names, and words where numbers were
        raise UnreadableDatabase("its tables are not those that were made") from error


def is_outside(error: sqlite3.Error) -> bool:
    """Whether an error tells of a lock, a disk or a right, and so of no damage."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.removeprefix("SQLITE_").split("_")[0] in OUTSIDE


def _connected(path: Path) -> Rows | None:
    """Read past nobody: as a reader among writers, or of a file at rest where none may write."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        found = _rows(path, "immutable=1")
        if not log.exists():  # else a sweep began meanwhile
            return found
    try:
        return _rows(path, "mode=ro")
    except sqlite3.Error as error:
        if not is_outside(error):
            raise
    # Nobody may make the files here that readers share: what is in the log is read from a copy.
    with tempfile.TemporaryDirectory() as spare:
        copied = Path(spare) / path.name
        shutil.copyfile(path, copied)
        if log.exists():
            shutil.copyfile(log, copied.with_name(log.name))
        return _rows(copied, "mode=rw")


def _rows(path: Path, how: str) -> Rows | None:
    address = f"file:{quote(str(path))}?{how}"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as connection:
        connection.text_factory = _text
        connection.execute("BEGIN")
        return _read(connection.execute)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _is_begun(tables: set[str], query: Callable[[str], sqlite3.Cursor]) -> bool:
    """Whether a study was begun; not where the making of the tables was cut short."""
    if {"studies", "trials", "study_user_attributes"} <= tables:
        return True
    return "studies" in tables and query("SELECT 1 FROM studies").fetchone() is not None


def _read(query: Callable[[str], sqlite3.Cursor]) -> Rows | None:
    tables = {name for (name,) in query("SELECT name FROM sqlite_master")}
    if not _is_begun(tables, query):
        return None
    check = [str(line) for (line,) in query("PRAGMA quick_check(3)")]
    damage = [] if check == ["ok"] else [" ".join(check[0].split())]
    # No index is asked, since one may be damaged where its table is whole.
    attributes = query("SELECT study_id, key, value_json FROM study_user_attributes NOT INDEXED")
    facts: dict[int, dict[str, str]] = {}
    for study, key, text in attributes:
        facts.setdefault(study, {})[key] = str(text)
    generations = [
        (int(kept[GENERATION]), study)
        for study, kept in facts.items()
        if str(kept.get(GENERATION)).isdecimal()
    ]
    states: dict[int, tuple[int, str]] = {}
    listed: dict[int, int] = {}
    for trial, number, study, state in query(
        "SELECT trial_id, number, study_id, state FROM trials NOT INDEXED"
    ):
        states[trial] = number, state
        listed[trial] = study
    if not generations:
        if listed:
            raise UnreadableDatabase("it does not say which of its studies counts")
        return None
    _, newest = max(generations)
    rows = {
        trial: StoredTrial(state) for trial, (_, state) in states.items() if listed[trial] == newest
    }
    orphans = _fill(query, rows, listed)
    trials, lost = numbered(rows, {trial: number for trial, (number, _) in states.items()})
    if orphans or lost:
        damage.append(lost or LOST_ROWS)
    return Rows(facts[newest], trials, tuple(damage))


def numbered(
    rows: dict[int, StoredTrial], numbers: dict[int, int]
) -> tuple[dict[int, StoredTrial], str | None]:
    """Trials by their own numbers, and what is wrong where some are missing."""
    trials = {numbers[trial]: row for trial, row in rows.items() if is_number(numbers[trial])}
    is_whole = len(trials) == len(rows) and set(trials) == set(range(len(rows)))
    return trials, None if is_whole else LOST_ROWS


def is_number(value: object) -> bool:
    """Whether a value can be the number of a trial."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_TRIALS


def _fill(
    query: Callable[[str], sqlite3.Cursor], rows: dict[int, StoredTrial], listed: dict[int, int]
) -> int:
    """Put our attributes and all values to their trials; how many belong to no trial at all."""
    orphans = 0
    for trial, key, text in query(
        "SELECT trial_id, key, value_json FROM trial_user_attributes NOT INDEXED"
    ):
        if trial in rows and key in KEYS:
            rows[trial].texts[key] = str(text)
        orphans += trial not in listed
    for trial, objective, value in query(
        "SELECT trial_id, objective, value FROM trial_values NOT INDEXED"
    ):
        if trial in rows and isinstance(value, float):
            rows[trial].values[objective] = value
    return orphans

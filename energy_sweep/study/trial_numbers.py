"""Numbers of trials, asked of the database in one query: Optuna would load all trials to tell."""

from __future__ import annotations

from optuna.storages import RDBStorage
from sqlalchemy import text


def number_of(storage: RDBStorage, trial_id: int) -> int:
    """The number of a trial in its study."""
    return _number(storage, "SELECT number FROM trials WHERE trial_id = :id", trial_id)


def count_of(storage: RDBStorage, study_id: int) -> int:
    """How many numbers of a study are taken."""
    query = "SELECT COALESCE(MAX(number) + 1, 0) FROM trials WHERE study_id = :id"
    return _number(storage, query, study_id)


def _number(storage: RDBStorage, query: str, identifier: int) -> int:
    with storage.engine.connect() as connection:
        return int(connection.execute(text(query), {"id": identifier}).scalar_one())

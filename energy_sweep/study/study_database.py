"""Where the trials of a study are kept for Optuna, and how all who write it take turns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from filelock import FileLock
from optuna.storages import RDBStorage

from energy_sweep.study import database, restoring
from energy_sweep.study.merging import Merged
from energy_sweep.study.paths import LOCK
from energy_sweep.study.reading import Rows, read_database
from energy_sweep.study.space import Space
from energy_sweep.study.waiting import wait_for
from energy_sweep.study.workers import LocalWorkers, Workers

T = TypeVar("T")


class StudyDatabase(Protocol):
    """The database of one study."""

    @property
    def workers(self) -> Workers: ...

    def turn(self) -> AbstractContextManager[object]:
        """Keep all others from writing the study; a thread may nest it, a dead one has none."""
        ...

    def transact(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in a turn; begun anew where the database was away meanwhile."""
        ...

    def rows(self) -> Rows | None:
        """What it holds, None where no study was begun; UnreadableDatabase where it is damaged."""
        ...

    def connect(self) -> RDBStorage:
        """Optuna's storage, made if need be."""
        ...

    def restore(self, known: Merged, space: Space) -> Path | None:
        """Make it anew of what is known; gives where the damaged one is kept."""
        ...


class LocalDatabase:
    """SQLite in the study's folder, for the processes of one host."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._lock = FileLock(folder / LOCK, thread_local=False)
        self.workers = LocalWorkers(folder)

    def turn(self) -> AbstractContextManager[object]:
        return wait_for(self._lock, self._name)

    def transact(self, work: Callable[[], T]) -> T:
        with self.turn():
            return work()

    def rows(self) -> Rows | None:
        return read_database(self._folder)

    def connect(self) -> RDBStorage:
        return database.connect(self._folder)

    def restore(self, known: Merged, space: Space) -> Path | None:
        return restoring.restore(self._folder, known, space)

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
from energy_sweep.study.paths import DATABASE, LOCK
from energy_sweep.study.reading import Rows, read_database
from energy_sweep.study.space import Space
from energy_sweep.study.waiting import wait_for
from energy_sweep.study.workers import LocalWorkers, Workers

T = TypeVar("T")


class StudyDatabase(Protocol):
    """The database of one study."""

    @property
    def workers(self) -> Workers: ...

    @property
    def title(self) -> str:
        """What it is called in what is said of it."""
        ...

    def transact(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in a turn, in which nobody else writes the study.

        A thread may nest it, and the dead have none. It is begun anew where the database was away
        meanwhile.
        """
        ...

    def ask(self, work: Callable[[], T]) -> T:
        """What `work` reads without a turn; asked anew where the database was away meanwhile."""
        ...

    def end(self, work: Callable[[], None]) -> None:
        """Do in a turn what may be left undone where the database is away."""
        ...

    def refusals(self) -> AbstractContextManager[None]:
        """Tell damage (UnreadableDatabase) from a place or version that bars us (BadInput)."""
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

    @property
    def title(self) -> str:
        return DATABASE

    def transact(self, work: Callable[[], T]) -> T:
        with wait_for(self._lock, self._name):
            return work()

    def ask(self, work: Callable[[], T]) -> T:
        return work()

    def end(self, work: Callable[[], None]) -> None:
        self.transact(work)

    def refusals(self) -> AbstractContextManager[None]:
        return database.refusals(self._folder / DATABASE)

    def rows(self) -> Rows | None:
        return read_database(self._folder)

    def connect(self) -> RDBStorage:
        return database.connect(self._folder)

    def restore(self, known: Merged, space: Space) -> Path | None:
        return restoring.restore(self._folder, known, space)

"""Who works on a study: any number of processes, each measuring trials of its own."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from energy_sweep.record import EnergySweepError
from energy_sweep.record.claims import ProcessClaim, held_claims
from energy_sweep.study.paths import LOCK

WORKERS = ".workers"  # in a study's folder, a claim of each process that works on it


class Workers(Protocol):
    """The processes that work on one study; `me` names this one in all that it writes."""

    @property
    def me(self) -> str: ...

    def join(self, work: str) -> None:
        """Work on the study from now on; `work` says on what, so that others may join."""
        ...

    def leave(self) -> None:
        """Work on it no longer."""
        ...

    def living(self) -> Mapping[str, str]:
        """The other workers that live, by their names, with their work."""
        ...


class LocalWorkers:
    """Workers of one host: the system tells who has died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / WORKERS
        self._claim = ProcessClaim(self._folder)

    @property
    def me(self) -> str:
        return self._claim.name

    def join(self, work: str) -> None:
        self._claim.hold(work)

    def leave(self) -> None:
        self._claim.release()

    def living(self) -> Mapping[str, str]:
        return {name: work for name, work in held_claims(self._folder).items() if name != self.me}


class StudyBusyError(EnergySweepError):
    """Somebody works on the study."""


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Keep all others from a study that nobody works on; StudyBusyError where somebody does."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StudyBusyError from error
    try:
        if held_claims(folder / WORKERS):
            raise StudyBusyError
        yield
    finally:
        lock.release()

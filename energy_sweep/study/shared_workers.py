"""Workers of many hosts on one study: each shows signs of life in the database that they share.

No two hosts need agree on the time: each counts, by signs of its own, for how long another has
shown none. While the database is gone nobody can show any, and nobody counts.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from energy_sweep.record.claims import ProcessClaim
from energy_sweep.study.persistence import is_gone
from energy_sweep.study.workers import WORKERS

LEASE_SECONDS = 60.0  # without a sign for that long, a worker is taken for dead
SIGNS = 6  # in that time
MAKE_TABLE = """
    CREATE TABLE IF NOT EXISTS energy_sweep_workers (
        study TEXT NOT NULL, worker TEXT NOT NULL, work TEXT NOT NULL, signs BIGINT NOT NULL,
        PRIMARY KEY (study, worker)
    )
"""
SIGN = """
    INSERT INTO energy_sweep_workers (study, worker, work, signs) VALUES (:study, :me, :work, 0)
    ON CONFLICT (study, worker)
    DO UPDATE SET signs = energy_sweep_workers.signs + 1, work = EXCLUDED.work
"""
OTHERS = "SELECT worker, work, signs FROM energy_sweep_workers WHERE study = :study"
FORGET = """
    DELETE FROM energy_sweep_workers WHERE study = :study AND worker = :worker AND signs = :signs
"""
LEAVE = "DELETE FROM energy_sweep_workers WHERE study = :study AND worker = :me"


class SharedWorkers:
    """The workers of a study in a shared database; `me` names this process."""

    def __init__(
        self, engine: Engine, study: str, folder: Path, *, lease_seconds: float | None = None
    ) -> None:
        self._claim = ProcessClaim(folder / WORKERS)  # for verbs, which ask no database
        self.me = self._claim.name
        self._engine = engine
        self._study = study
        self._period = (LEASE_SECONDS if lease_seconds is None else lease_seconds) / SIGNS
        self._work: str | None = None
        # Of each other worker: its last sign, and how many of ours came since.
        self._silent: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def join(self, work: str) -> None:
        """Work on the study from now on, on what `work` says."""
        self._work = work
        self._claim.hold(work)
        with self._engine.begin() as connection:
            self._sign(connection)
        self._watch()

    def leave(self) -> None:
        """Work on it no longer; where the database is gone, others find out by themselves."""
        self._claim.release()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._work = None
        try:
            with self._engine.begin() as connection:
                connection.execute(text(LEAVE), {"study": self._study, "me": self.me})
        except Exception as error:
            if not is_gone(error):
                raise

    def living(self) -> Mapping[str, str]:
        """The other workers that may be alive, by their names, with their work."""
        self._watch()
        with self._engine.connect() as connection:
            rows = list(connection.execute(text(OTHERS), {"study": self._study}))
        return {worker: work for worker, work, _ in rows if worker != self.me}

    def _watch(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="signs of life", daemon=True)
            self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(self._period):
            try:
                with self._engine.begin() as connection:
                    self._sign(connection)
                    self._count(connection)
            except Exception as error:  # the next sign makes up for one that is missed
                if not is_gone(error):
                    raise

    def _sign(self, connection: Connection) -> None:
        if self._work is not None:
            values = {"study": self._study, "me": self.me, "work": self._work}
            connection.execute(text(SIGN), values)

    def _count(self, connection: Connection) -> None:
        """Count one more silence of each that gave no sign, and forget the dead."""
        rows = list(connection.execute(text(OTHERS), {"study": self._study}))
        with self._lock:
            before, self._silent = self._silent, {}
            for worker, _, signs in rows:
                last, silences = before.get(worker, (signs, -1))
                self._silent[worker] = (signs, silences + 1 if last == signs else 0)
            dead = [(name, one[0]) for name, one in self._silent.items() if one[1] >= SIGNS]
        for worker, signs in dead:
            if worker != self.me:
                values = {"study": self._study, "worker": worker, "signs": signs}
                connection.execute(text(FORGET), values)

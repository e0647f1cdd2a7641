"""Turns on a PostgreSQL server: one writer of a study at a time, on whatever host it is."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from energy_sweep.record import EnergySweepError


class TurnLost(EnergySweepError):
    """The server went away within a turn, so that another may have had one since."""


def lock_key(*words: str) -> int:
    """The number of a server's lock for these words, of 64 bits with a sign as it wants it."""
    text = "\n".join(("energy_sweep", *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


class Turns:
    """A lock of the server, held by the very connection by which its thread writes meanwhile.

    So whoever lost the lock, with its connection, cannot write any more in that turn: a new
    connection is refused (TurnLost), and the turn has to be taken anew. The server gives the lock
    of a dead process to the next in line. Each thread needs a connection of its own that stays.
    """

    def __init__(self, engine: Engine, key: int) -> None:
        self._engine = engine
        self._key = key
        self._mine = threading.local()
        event.listen(engine, "connect", self._refuse_another)

    @contextmanager
    def turn(self) -> Generator[None]:
        """Wait for this thread's turn, and have it; within one, this is that one."""
        if getattr(self._mine, "has_turn", False):
            yield
            return
        driver = self._lock()
        self._mine.has_turn = True
        try:
            yield
        finally:
            self._mine.has_turn = False
            _unlock(driver, self._key)

    def _lock(self) -> Any:
        """Lock by this thread's connection, and give the driver's own of it."""
        with self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (self._key,))
                connection.commit()
            except BaseException:
                driver.close()  # it may have got the lock all the same
                raise
        return driver

    def _refuse_another(self, *_: Any) -> None:
        if getattr(self._mine, "has_turn", False):
            raise TurnLost("the database went away in the middle of a turn")


def _unlock(driver: Any, key: int) -> None:
    """Let the next one have the lock, by ending the connection if it must be."""
    try:
        driver.rollback()
        driver.execute("SELECT pg_advisory_unlock(%s)", (key,))
        driver.commit()
    except Exception:
        with contextlib.suppress(Exception):
            driver.close()

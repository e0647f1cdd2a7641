"""A database that does not answer for a while: a transaction is begun anew until it does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from energy_sweep.record import EnergySweepError
from energy_sweep.study.turns import TurnLost

PATIENCE_SECONDS = 300.0  # how long a database may be gone
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0
TELL_SECONDS = 30.0  # between two lines about the same absence
# Classes of PostgreSQL's SQLSTATE: no connection, no resources for one, and a server that ends,
# or begins; transactions that met each other may be tried again as well.
GONE = ("08", "53", "57", "40")
ABSENT = ("refused", "starting up", "shutting down", "closed the connection", "time", "too many")
Said = Callable[[str], None]
T = TypeVar("T")


class DatabaseGone(EnergySweepError):
    """A database did not come back; what was measured is kept."""


def is_gone(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that a database does not answer now."""
    if isinstance(error, TurnLost | PendingRollbackError):  # after the first error of a connection
        return True
    if isinstance(error, StorageInternalError):
        return error.__cause__ is not None and is_gone(error.__cause__)
    if not isinstance(error, SQLAlchemyError):
        return False
    if not isinstance(error, DBAPIError):
        return isinstance(error.__cause__, DBAPIError) and is_gone(error.__cause__)
    state: Any = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or (state is not None and state[:2] in GONE):
        return True
    return state is None and type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout")


def is_absent(error: BaseException) -> bool:
    """Whether an error says that no server answers at an address that may be wrong."""
    return is_gone(error) and any(word in reason(error) for word in ABSENT)


def patiently(
    transaction: Callable[[], T],
    *,
    place: str = "the study's database",
    patience_seconds: float = PATIENCE_SECONDS,
    gone: Callable[[BaseException], bool] = is_gone,
    say: Said = lambda line: print(line, file=sys.stderr, flush=True),
) -> T:
    """What a transaction gives, which is begun anew while its database does not answer.

    It must do no harm where it is done twice: its last write may be stored though the answer was
    lost. DatabaseGone where the database does not come back in time.
    """
    begun, told, pause = time.monotonic(), -TELL_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        try:
            done = transaction()
        except Exception as error:
            if not gone(error):
                raise
            waited, why = time.monotonic() - begun, reason(error)
            if waited >= patience_seconds:
                raise DatabaseGone(
                    f"{place} has not answered for {waited:.0f} s ({why}): all that was measured is"
                    " kept; start it, and type the same command again"
                ) from None
            if pause > FIRST_PAUSE_SECONDS and waited - told >= TELL_SECONDS:
                told = waited
                say(f"... {place} has not answered for {waited:.0f} s ({why}): trying again")
            time.sleep(min(pause, max(0.0, patience_seconds - waited)))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        else:
            if told >= 0:
                say(f"... {place} answers again, after {time.monotonic() - begun:.0f} s")
            return done


def reason(error: BaseException) -> str:
    """What the server, or the way to it, said: the first line of the first cause."""
    while (cause := getattr(error, "orig", None) or error.__cause__) is not None:
        error = cause
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

"""A power limit on boards that outlives nothing: not an exception, not a signal, not a kill.

While a limit is in force, a file beside its lock says which one to go back to. A kill leaves the
file behind without its lock; whoever comes next on this machine sets that limit back.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import os
import signal
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from energy_sweep.hardware.gpu import Board, BoardLost, NoPermission, NotSupported
from energy_sweep.hardware.visible_gpus import find_board
from energy_sweep.record import BadInput, EnergySweepError
from energy_sweep.record.files import read_file, replace_file

log = logging.getLogger(__name__)

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
DIAL = "device.power_limit_watts"


class _LimitInUse(EnergySweepError):
    """Another program holds the power limit of a board; the message says which one."""


@contextmanager
def power_limit(uuids: Sequence[str], watts: float) -> Generator[None]:
    """Limit boards to `watts`, and set back what was found; raises BadInput.

    SIGTERM and SIGHUP are SystemExit meanwhile, so that they end in setting it back too.
    """
    with exit_on_signals(), ExitStack() as stack:
        for uuid in uuids:
            stack.enter_context(_limit_board(_find(uuid, watts), watts))
        yield


@functools.cache
def check_power_limit(uuids: Sequence[str], watts: float) -> None:
    """Raise BadInput, in one line that says what to type, where boards cannot be limited so."""
    if not uuids:
        raise BadInput(f"{DIAL}={watts:g} needs a GPU: type device=cuda, or leave it out")
    for uuid in uuids:
        board = _find(uuid, watts)
        try:
            low, high = board.power_limit_range_watts()
            if not low <= watts <= high:
                raise BadInput(
                    f"{DIAL}={watts:g}: {board.name} takes {low:g} to {high:g} W: type a value in"
                    " this range"
                )
            with _hold_lock(board):
                _undo_left_limit(board)
                # Only a write tells whether this user may write: so write what is there.
                board.set_power_limit(board.power_limit_watts())
        except _LimitInUse as other:
            raise BadInput(str(other)) from None
        except NotSupported as error:
            raise BadInput(f"{DIAL}={watts:g}: {error}: leave it out") from None
        except NoPermission:
            raise BadInput(
                f"{DIAL}={watts:g} needs root: run the same command with sudo, or leave it out"
            ) from None


def restore_left_limits(board: Board) -> None:
    """Set back the limit that a killed program left on a board; warn where that cannot be."""
    if not _note_path(board.uuid).exists():
        return
    try:
        with _hold_lock(board):
            _undo_left_limit(board)
    except (_LimitInUse, NoPermission, NotSupported) as error:
        limit = board.power_limit_watts()
        log.warning("%s: joules will be those under a limit of %g W", error, limit)


def restore_all_left_limits(uuids: Sequence[str]) -> None:
    """`restore_left_limits` for boards by UUID; without a note nobody is asked."""
    for uuid in uuids:
        if _note_path(uuid).exists():
            restore_left_limits(find_board(uuid))


@contextmanager
def exit_on_signals() -> Generator[None]:
    """Raise SystemExit on SIGTERM and SIGHUP; only the main thread can, in others nothing changes.

    One that is ignored (as under nohup), or handled, stays so. After the first, others wait for no
    one: they are ignored, since the way out has begun.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]

    def leave(number: int, _: object) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _limit_board(board: Board, watts: float) -> Generator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(_hold_lock(board))
        except _LimitInUse as other:
            raise BadInput(str(other)) from None
        _undo_left_limit(board)
        original = board.power_limit_watts()
        _write_note(board, original)
        try:
            board.set_power_limit(watts)
            yield
        finally:
            _restore_limit(board, original)


def _restore_limit(board: Board, watts: float) -> None:
    """Set a limit back and take the note away, or say that the next program will."""
    try:
        if board.power_limit_watts() != watts:
            board.set_power_limit(watts)
    except (BoardLost, NotSupported, NoPermission) as error:
        log.warning("the power limit is not set back to %g W: %s", watts, error)
    else:
        _note_path(board.uuid).unlink(missing_ok=True)


def _undo_left_limit(board: Board) -> None:
    """Undo what a killed program left; its lock must be held."""
    note = _note_path(board.uuid)
    if not note.exists():
        return
    watts = _limit_in_note(board)
    if watts is None:
        log.warning("%s says nothing of a power limit, and is removed", note)
    else:
        now = board.power_limit_watts()
        board.set_power_limit(watts)
        log.warning(
            "a program that was killed left %s at %g W: set back to %g W", board.name, now, watts
        )
    note.unlink(missing_ok=True)


def _find(uuid: str, watts: float) -> Board:
    board = find_board(uuid, mig="whole_board")
    if board.whole_for is not None:
        raise BadInput(
            f"{DIAL}={watts:g}: {uuid} is cut into MIG instances, which share one limit: leave it"
            " out, or use another GPU"
        )
    return board


@contextmanager
def _hold_lock(board: Board) -> Generator[None]:
    """Hold the lock of a board's limit, or raise _InUse; the lock of a dead program is free."""
    lock = FileLock(_note_path(board.uuid).with_suffix(".lock"), mode=0o666)
    try:
        lock.acquire(timeout=0)
    except (Timeout, PermissionError) as error:
        owner = _read_note(board.uuid).get("pid")
        who = "another program" if owner is None else f"another program (process {owner})"
        if isinstance(error, PermissionError):
            who = f"another user's program (see {lock.lock_file})"
        raise _LimitInUse(
            f"{who} holds the power limit of {board.name} ({board.uuid}): wait for its end"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _note_path(uuid: str) -> Path:
    return Path(tempfile.gettempdir(), f"energy_sweep-power-{uuid}.json")


def _write_note(board: Board, watts: float) -> None:
    note = {"limit_watts": watts, "pid": os.getpid()}
    # Whoever comes next reads it, be it another user.
    with replace_file(_note_path(board.uuid), durable=False) as part:
        part.write_text(json.dumps(note), encoding="utf-8")
        part.chmod(0o644)


def _read_note(uuid: str) -> dict[str, object]:
    try:
        note = json.loads(read_file(_note_path(uuid)))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _limit_in_note(board: Board) -> float | None:
    """The limit to go back to, where the note holds one that this board takes."""
    watts = _read_note(board.uuid).get("limit_watts")
    if isinstance(watts, bool) or not isinstance(watts, int | float) or not math.isfinite(watts):
        return None
    low, high = board.power_limit_range_watts()
    return float(watts) if low <= watts <= high else None

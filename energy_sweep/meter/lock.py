"""The lock by which only one measured window is open per GPU and CPU package, across processes.

The operating system drops the lock of a process that dies, so nobody has to clear a stale one. A
program that is measured as a whole opens windows of its own within that of its parent.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from energy_sweep.meter.base import MeterUnavailable

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
TURN = "turn-"  # in the names of locks that are no window's
SAME_SECONDS = 1.5  # the moment of the start is told in whole seconds, which may be rounded anew
# Tells child processes which locks are held around them: FILE=SIGNATURE of each.
HELD = "ENERGY_SWEEP_HELD"
NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # in a shared folder others may have put a link there
_ENVIRONMENT = threading.Lock()


class WindowLock:
    """Holds `resources` (`cpu-0`, `gpu-UUID`) while a window is open; re-entrant in a thread.

    Windows that a thread nests should be of the same resources: of two processes that nest others
    the other way round, each would wait for the other.
    """

    def __init__(self, resources: Sequence[str], *, folder: Path | None = None) -> None:
        folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._locks = lock_files(resources, folder)

    @contextmanager
    def hold(self) -> Generator[None]:
        """Wait until the resources are free, and hold them; those of a parent are held already."""
        with ExitStack() as stack:
            for lock in self._locks:
                stack.enter_context(held_file(lock, "another program's measured window"))
            _open.windows += 1
            stack.callback(_closed)
            yield

    def is_held(self) -> bool:
        """Whether this thread, or the window that this process was started in, holds any."""
        return any(lock.is_locked or _is_held_by_parent(lock.lock_file) for lock in self._locks)


class _OpenWindows(threading.local):
    """How many windows this thread has open."""

    windows = 0


_open = _OpenWindows()


def _closed() -> None:
    _open.windows -= 1


def is_in_window() -> bool:
    """Whether this thread has a window open, or this process was started in one: whoever waits
    there for another process may be who that one waits for."""
    windows = [path for path in _inherited_signatures() if TURN not in Path(path).name]
    return _open.windows > 0 or any(map(_is_held_by_parent, windows))


def lock_files(resources: Sequence[str], folder: Path, prefix: str = "") -> list[FileLock]:
    """A lock for each resource, re-entrant in a thread.

    A fixed order keeps two processes from holding one half each; the singletons make two meters of
    one process share a lock instead of waiting for each other.
    """
    return [
        FileLock(folder / f"energy_sweep-{prefix}{name}.lock", is_singleton=True, mode=0o666)
        for name in sorted({re.sub(r"[^\w.-]", "_", name) for name in resources})
    ]


@contextmanager
def held_file(
    lock: FileLock, whose: str, *, poll: float = 0.01, told: set[str] | None = None
) -> Generator[None]:
    """Hold a lock, signed, unless the process that started this one holds it around it.

    Who waits long says so, and `whose` it is, unless that was `told` of this lock before.
    """
    if _is_held_by_parent(lock.lock_file):
        yield
        return
    nested = lock.is_locked
    try:
        take_file(lock, timeout=PATIENCE_SECONDS, poll=poll)
    except Timeout:
        if told is None or lock.lock_file not in told:
            _tell_wait(lock, whose)
        if told is not None:
            told.add(lock.lock_file)
        take_file(lock, poll=max(poll, 0.05))
    try:
        if not nested:
            pid = os.getpid()
            signature = f"{pid} {_began(pid):.2f} {time.monotonic_ns()}"
            sign_file(lock.lock_file, signature)
            _export_signature(lock.lock_file, signature)
        yield
    finally:
        if not nested:
            _export_signature(lock.lock_file, "")
            sign_file(lock.lock_file, "")
        lock.release()


def _tell_wait(lock: FileLock, whose: str) -> None:
    holder = _holder(lock.lock_file)
    since = "" if holder is None else f", held by process {holder.pid} for {holder.age:.0f} s"
    log.warning("waiting for %s (%s%s)", whose, lock.lock_file, since)


def take_file(lock: FileLock, *, timeout: float = -1, poll: float) -> None:
    """Wait for a lock, looking every `poll` seconds; MeterUnavailable where it cannot be used."""
    try:
        lock.acquire(timeout=timeout, poll_interval=poll)
    except Timeout:
        raise
    except PermissionError as error:
        raise MeterUnavailable(
            f"the measuring lock {lock.lock_file} belongs to another user:"
            " let them remove it, or set TMPDIR to a folder of yours"
        ) from error
    except OSError as error:  # a link, a folder: nothing that this program would have put there
        raise MeterUnavailable(
            f"the measuring lock {lock.lock_file} cannot be used ({error.strerror or error}):"
            " remove it, or set TMPDIR to a folder of yours"
        ) from error


@dataclass(frozen=True, slots=True)
class _Holder:
    """A process that says it holds a lock, for `age` seconds."""

    signature: str
    pid: int
    age: float


def sign_file(path: str, text: str) -> None:
    """Write into a lock file who has it: a hint for others, so failing to do so is no harm."""
    with suppress(OSError):
        # Never created here: a shared folder may refuse that for the file of another user.
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | NO_LINK)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)


def _holder(path: str) -> _Holder | None:
    """Who has signed a lock file; None where nobody has, or that process is gone."""
    try:
        signature = Path(path).read_text(encoding="utf-8")
        pid, began, nanoseconds = signature.split()
        later = abs(_began(int(pid)) - float(began)) > SAME_SECONDS
        age = (time.monotonic_ns() - int(nanoseconds)) / 1e9
    except (OSError, ValueError, psutil.Error):
        return None
    # One that began at another moment got the number of the one that signed.
    return None if later else _Holder(signature, int(pid), max(0.0, age))


def _began(pid: int) -> float:
    """When a process began, in seconds since the machine was started: no clock that is set."""
    booted = psutil.boot_time()  # first: older releases of psutil add what was told last
    return psutil.Process(pid).create_time() - booted


def _is_held_by_parent(path: str) -> bool:
    """Whether the window that this process was started in holds the lock, and still does."""
    told = _inherited_signatures().get(path)
    if told is None:
        return False
    holder = _holder(path)
    return holder is not None and holder.signature == told and holder.pid != os.getpid()


def _inherited_signatures() -> dict[str, str]:
    """Signatures by lock file, as the environment has them."""
    entries = os.environ.get(HELD, "").split(os.pathsep)
    pairs = (entry.rpartition("=") for entry in entries if entry)
    return {path: signature for path, _, signature in pairs}


def _export_signature(path: str, signature: str) -> None:
    """Put a signature into the environment, or take it away (empty)."""
    with _ENVIRONMENT:
        told = {**_inherited_signatures(), path: signature}
        entries = [f"{key}={value}" for key, value in told.items() if value]
        if entries:
            os.environ[HELD] = os.pathsep.join(entries)
        else:
            os.environ.pop(HELD, None)

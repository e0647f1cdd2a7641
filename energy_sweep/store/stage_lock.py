"""One thread of one process works on a stage at a time; who comes second waits for it.

The operating system drops the lock of a process that dies. Who holds a stage may wait for one that
it is made of, and never the other way round, so that no two wait for each other; and the turn at
the devices is others' meanwhile.
"""

from __future__ import annotations

import logging
import os
import platform
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from energy_sweep.meter.lock import is_in_window, sign_file
from energy_sweep.meter.turn import without_turn
from energy_sweep.record import BadInput
from energy_sweep.record.files import PART

log = logging.getLogger(__name__)

NAME = ".lock"
PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.05


@contextmanager
def held_stage(
    folder: Path, what: str, *, brief: bool = False, check: Callable[[], None] = lambda: None
) -> Generator[None]:
    """Hold the stage of a folder; `what` it is, is said where it takes long to get it.

    Re-entrant in a thread; who waits is asked to `check` whether to go on. Who holds it but
    `brief`ly, to write, looks at nothing in it.
    """
    lock = FileLock(folder / NAME, is_singleton=True, mode=0o666)
    nested = lock.is_locked
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if is_in_window():
            raise BadInput(
                f"the stage {what}{_holder(lock.lock_file)}, cannot be waited for in a measured"
                " window, which that process may wait for: run this again when it is done"
            ) from None
        with without_turn():
            _wait(lock, what, check)
    try:
        if not (nested or brief):
            ask_for_names(folder)
            sign_file(lock.lock_file, f"{os.getpid()} {time.time():.0f} {platform.node()}")
        yield
    finally:
        if not (nested or brief):
            sign_file(lock.lock_file, "")
        lock.release()


def ask_for_names(folder: Path) -> None:
    """Have what others did in a folder seen at once: over a network, names are known for a while,
    also of what was not there, unless one's own changes show that others made some."""
    name = folder / f"{PART}{uuid.uuid4().hex[:12]}"
    with suppress(OSError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    name.unlink(missing_ok=True)


def _wait(lock: FileLock, what: str, check: Callable[[], None]) -> None:
    begun, told = time.monotonic(), False
    while True:
        check()
        try:
            lock.acquire(timeout=min(PATIENCE_SECONDS, 0.5), poll_interval=POLL_SECONDS)
            return
        except Timeout:
            if not told and time.monotonic() - begun >= PATIENCE_SECONDS:
                log.warning("waiting for the stage %s%s", what, _holder(lock.lock_file))
                told = True


def _holder(path: str) -> str:
    """Who has signed a lock that is held: who died signed nothing that is held."""
    try:
        pid, since, node = Path(path).read_text(encoding="utf-8").split(maxsplit=2)
        age = max(0.0, time.time() - float(since))
        where = "" if node == platform.node() else f" on {node}"
    except (OSError, ValueError):
        return ", which another process is at"
    return f", which process {int(pid)}{where} is at for {age:.0f} s"

"""The lock of a study: only one sweep at a time writes it, and another may wait for its end."""

from __future__ import annotations

import contextlib
import sys
import time

from filelock import FileLock, Timeout

from energy_sweep.record import BadInput

TELL_SECONDS = 60.0  # between two lines of a sweep that waits for another


def acquire(lock: FileLock, name: str, *, waits: bool) -> None:
    """Hold the study's lock; BadInput where another sweep does, or wait, and say how long."""
    try:
        lock.acquire(timeout=0)
        return
    except Timeout as error:
        if not waits:
            raise BadInput(
                f"another sweep of {name} is running: type --wait too to go on at its end, or"
                " name=OTHER"
            ) from error
    begun = time.monotonic()
    while not lock.is_locked:
        waited = time.monotonic() - begun
        print(
            f"... waiting for the end of another sweep of {name}, for {waited:.0f} s so far",
            file=sys.stderr,
            flush=True,
        )
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=TELL_SECONDS, poll_interval=0.2)

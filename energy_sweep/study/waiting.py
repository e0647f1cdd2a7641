"""Waiting for others who write a study: for a turn, or for the end of their sweep."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from filelock import FileLock, Timeout

from energy_sweep.record import BadInput

TELL_SECONDS = 60.0  # between two lines of who waits
POLL_SECONDS = 0.005  # a turn takes some thousandths of a second
LOOK_SECONDS = 0.2


@contextmanager
def wait_for(lock: FileLock, name: str) -> Generator[None]:
    """Hold the lock of a study's turns; whoever has it long is told of."""
    begun = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=TELL_SECONDS, poll_interval=POLL_SECONDS)
            break
        except Timeout:
            _tell(f"another program to let go of {name} ({lock.lock_file})", begun)
    try:
        yield
    finally:
        lock.release()


def is_blocked(living: Mapping[str, str], work: str, *, waits: bool) -> bool:
    """Whether others keep a sweep from its work: who `waits` wants all to end, else they block it
    that do other work."""
    return bool(living) if waits else bool(set(living.values()) - {work})


def wait_or_refuse(living: Callable[[], Mapping[str, str]], name: str, *, waits: bool) -> None:
    """Wait for the end of all who work on a study; BadInput for who does not want to."""
    if not waits:
        raise BadInput(
            f"another sweep of {name} is running, over other axes or limits: type --wait too to go"
            " on at its end, its own words to join it, or name=OTHER"
        )
    begun, told = time.monotonic(), -TELL_SECONDS
    while living():
        waited = time.monotonic() - begun
        if waited - told >= TELL_SECONDS:
            told = waited
            _tell(f"the end of another sweep of {name}", begun)
        time.sleep(LOOK_SECONDS)


def _tell(what: str, begun: float) -> None:
    waited = time.monotonic() - begun
    print(f"... waiting for {what}, for {waited:.0f} s so far", file=sys.stderr, flush=True)

"""Full disks of every size: a line that says so, and with more room the same command goes on."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.chaos.base import Ran, Tally
from tests.chaos.kills import end_of
from tests.chaos.world import front, sweep, world

ROOM = 64 * 2**20
PAGE = 4096
FULL = ("No space left", "File too large")


def run(seed: int, count: int) -> Tally:
    """Sweep onto `count` disks that are too small, then enlarge each and sweep again."""
    truth, tally, dice = world(), Tally(name="disks"), random.Random(seed)
    size = sum(path.stat().st_size for path in (truth.folder / "out").rglob("*") if path.is_file())
    while tally.tried < count:
        pages = round((2 * size / PAGE) ** dice.random())
        folder = Path(tempfile.mkdtemp(prefix="full-"))
        with _disk(folder / "out", pages * PAGE) as (limit, enlarge):
            case = f"seed {seed}, {'disk' if limit is None else 'files'} of {pages} pages"
            outcome, why = _told(sweep(folder, before=limit))
            if outcome in ("same", "named"):
                left = front(folder)  # what is there may be read, or is refused in a line
                outcome, why = (left.broke, left.err[-300:]) if left.broke else (outcome, why)
            enlarge()
            if outcome in ("same", "named"):
                ended = end_of(truth, folder)
                why, outcome = ended.why, outcome if ended.outcome == "same" else ended.outcome
        tally = tally.plus(outcome, f"{case}: {why}")
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _told(ran: Ran) -> tuple[str, str]:
    """How a sweep ended that had too little room."""
    if ran.broke:
        return ran.broke, ran.err[-600:]
    if ran.code == 0:
        return "same", ""
    said = any(word in ran.err for word in FULL) and ran.code == 1
    return ("named" if said else "silent_wrong"), f"exit {ran.code}: {ran.err[-300:]}"


@contextlib.contextmanager
def _disk(
    place: Path, size: int
) -> Iterator[tuple[Callable[[], Any] | None, Callable[[], object]]]:
    """A disk of so many bytes at `place`, and how to enlarge it.

    Where nobody may mount one, the limit is what a child sets itself: the size of a file.
    """
    place.mkdir()
    if _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)):
        try:
            yield None, lambda: _mount("-o", f"remount,size={ROOM}", str(place))
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=10)
    else:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)), lambda: None


def _mount(*words: str) -> bool:
    done = subprocess.run(["mount", *words], capture_output=True, timeout=10, check=False)
    return done.returncode == 0

"""Two workers on one study: one is killed, or a file is damaged, while the other one works."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.base import SWEEP, TRAINING, Ran, Tally, begin_fork, end_fork
from tests.chaos.damages import damage
from tests.chaos.kills import end_of, killed_sweep
from tests.chaos.world import World, world


@dataclass(frozen=True)
class Other:
    """The worker that nobody kills."""

    child: int
    folder: Path
    begun: float

    @classmethod
    def begin(cls, folder: Path) -> Other:
        """Let it begin, beside what `folder` holds."""
        place = folder / "other"
        place.mkdir()
        sys.stdout.flush()
        child = begin_fork([*SWEEP, f"outputs={folder / 'out'}"], place)
        return cls(child, place, time.monotonic())

    def end(self) -> Ran:
        """Wait until it has ended."""
        return end_fork(self.child, self.folder, self.begun, 2 * TRAINING)


def run(seed: int, count: int) -> Tally:
    """Disturb one of two workers `count` times, each time on a study of its own."""
    truth, tally = world(), Tally(name="workers")
    for number in range(count):
        folder = Path(tempfile.mkdtemp(prefix="workers-"))
        dice = random.Random(f"{seed} {number}")
        outcome, why = _case(truth, dice, folder)
        tally = tally.plus(outcome, f"seed {seed} case {number}: {why}")
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _case(truth: World, dice: random.Random, folder: Path) -> tuple[str, str]:
    """What became of one study, and how it was disturbed."""
    other = Other.begin(folder)
    time.sleep(dice.uniform(0.0, 2.0))
    killed, moment = killed_sweep(truth, dice, folder)
    told, study = f"killed at {moment}", folder / "out" / "study"
    done = damage(study, dice) if study.is_dir() and dice.random() < 0.4 else None
    told += f", {done.told}" if done else ""
    ended = other.end()
    for one in (killed, ended):
        if one.broke and one.code != -signal.SIGKILL:
            return one.broke, f"{told}: {one.err[-300:]}"
    if ended.code and done is None:
        return "silent_wrong", f"{told}: the other ended with {ended.code}: {ended.err[-300:]}"
    last = end_of(truth, folder)
    said = f"{ended.told}\n{last.told}"  # of all that ran with the damage
    if last.outcome == "silent_wrong" and done is not None and done.named(said, truth.said):
        return "named", ""
    return last.outcome, f"{told}: {last.why}"

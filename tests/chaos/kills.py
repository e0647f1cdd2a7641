"""kill -9 at every kind of moment; the same command goes on, and nothing shows of it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import tempfile
from pathlib import Path

from tests.chaos.base import Ran, Tally
from tests.chaos.world import Watch, World, front, sweep, without_spent, world

KILLS = 8  # of one study, in turn


def run(seed: int, count: int) -> Tally:
    """Kill `count` sweeps, several of one study, each time reading what is left of it."""
    truth, tally, dice = world(), Tally(name="kills"), random.Random(seed)
    while tally.tried < count:
        folder = Path(tempfile.mkdtemp(prefix="killed-"))
        tally = _one_study(tally, truth, dice, folder, min(KILLS, count - tally.tried), seed)
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _one_study(
    tally: Tally, truth: World, dice: random.Random, folder: Path, kills: int, seed: int
) -> Tally:
    moments: list[str] = []
    for _ in range(kills):
        killed, moment = killed_sweep(truth, dice, folder)
        if killed.code != -signal.SIGKILL:
            if killed.code or killed.broke:
                line = f"seed {seed}, after {moments}: {killed.err[-300:]}"
                tally = tally.plus(killed.broke or "silent_wrong", line)
            break
        moments.append(moment)
        seen = front(folder)
        outcome = seen.broke or "same"
        tally = tally.plus(outcome, f"seed {seed}, front after {moments}: {seen.err[-300:]}")
    outcome, why = end_of(truth, folder)
    if outcome == "same":
        return tally
    return tally.plus(outcome, f"seed {seed}, after {moments}: {why}")


def killed_sweep(truth: World, dice: random.Random, folder: Path) -> tuple[Ran, str]:
    """The sweep, killed at an event or at a random moment, and which."""
    if dice.random() < 0.3:
        seconds = dice.uniform(0.3, 5)
        return sweep(folder, kill_after=seconds), f"{seconds:.2f} s"
    event = dice.randint(1, truth.events // 2)
    return sweep(folder, before=Watch(folder / "out", event).start), f"event {event}"


def end_of(truth: World, folder: Path) -> tuple[str, str]:
    """What the same command makes of the killed study: its front and its bill are the true ones."""
    ended = sweep(folder)
    if ended.code or ended.broke:
        return ended.broke or "silent_wrong", f"exit {ended.code}: {ended.err[-300:]}"
    seen = front(folder)
    if seen.code or seen.broke:
        return seen.broke or "silent_wrong", f"front: {seen.err[-300:]}"
    document = json.loads(seen.out)
    if without_spent(document) != without_spent(truth.truth):
        return "silent_wrong", "another front: " + _difference(document, truth.truth)
    if document["spent_joules"] < truth.truth["spent_joules"] * (1 - 1e-9):
        return "silent_wrong", f"only {document['spent_joules']} J spent"
    return "same", ""


def _difference(one: dict, other: dict) -> str:
    one, other = without_spent(one), without_spent(other)
    parts = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return "; ".join(
        f"{key}: {json.dumps(one.get(key))[:300]} for {json.dumps(other.get(key))[:300]}"
        for key in parts
    )

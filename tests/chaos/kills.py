"""kill -9 at every kind of moment; the same command goes on, and nothing shows of it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.base import Ran, Tally
from tests.chaos.world import Watch, World, front, sweep, without_spent, world

KILLS = 8  # of one study, in turn


@dataclass(frozen=True)
class End:
    """How a study ended, why that is bad, and what the last sweep and its front told."""

    outcome: str
    why: str = ""
    told: str = ""


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
    end = end_of(truth, folder)
    if end.outcome == "same":
        return tally
    return tally.plus(end.outcome, f"seed {seed}, after {moments}: {end.why}")


def killed_sweep(truth: World, dice: random.Random, folder: Path) -> tuple[Ran, str]:
    """The sweep, killed at an event or at a random moment, and which."""
    if dice.random() < 0.3:
        seconds = dice.uniform(0.3, 5)
        return sweep(folder, kill_after=seconds), f"{seconds:.2f} s"
    event = dice.randint(1, truth.events // 2)
    return sweep(folder, before=Watch(folder / "out", event).start), f"event {event}"


def end_of(truth: World, folder: Path) -> End:
    """What the same command makes of the killed study: its front and its bill are the true ones."""
    ended = sweep(folder)
    if ended.code or ended.broke:
        why = f"exit {ended.code}: {ended.err[-300:]}"
        return End(ended.broke or "silent_wrong", why, ended.told)
    seen = front(folder)
    told = f"{ended.told}\n{seen.told}"
    if seen.code or seen.broke:
        return End(seen.broke or "silent_wrong", f"front: {seen.err[-300:]}", told)
    document = json.loads(seen.out)
    if without_spent(document) != without_spent(truth.truth):
        why = "another front: " + _difference(document, truth.truth)
        return End("silent_wrong", why, told)
    if document["spent_joules"] < truth.truth["spent_joules"] * (1 - 1e-9):
        return End("silent_wrong", f"only {document['spent_joules']} J spent", told)
    return End("same", told=told)


def _difference(one: dict, other: dict) -> str:
    """The parts in which two fronts differ, of the bill each stage that does."""
    one, other = _parts(one), _parts(other)
    parts = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return "; ".join(
        f"{key}: {json.dumps(one.get(key))[:300]} for {json.dumps(other.get(key))[:300]}"
        for key in parts
    )


def _parts(document: dict[str, Any]) -> dict[str, Any]:
    """The parts of a front that must be the true ones, each stage of the bill as one."""
    parts = without_spent(document)
    bill = parts.pop("bill")
    return {**parts, **{f"bill of {stage}": line for stage, line in bill.items()}}

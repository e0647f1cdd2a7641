"""Is a front's doubt right? Of members said to belong with .8 to .9, that share has to belong.

Worlds are made whose accuracies and joules are known: nets answer images, some of which are hard
for all; joules are measured with noise. `python -m benchmarks.doubt` makes 1,000 of each kind, in
minutes, and compares the probabilities in use with those of a plain bootstrap around what was
measured. One JSON line comes last.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.doubt import Beliefs, members
from energy_sweep.uncertainty.shrinkage import alike, believed_accuracies

Floats = NDArray[np.float64]
Rng = np.random.Generator

WORLDS, DRAWS = 1000, 1000
BINS = 10
# Members of fronts whose probability lies in a tenth: how far the share that belongs may be off.
MOST_OFF = 0.07
LEAST_COUNT = 200


@dataclass(frozen=True, slots=True)
class World:
    """What is true of N nets, which of them cost the same, and how noisy their joules are."""

    strength: Floats  # [N]: of an image of middling difficulty, accuracy is its normal CDF
    log_joules: Floats  # [C], of each distinct cost
    cost: NDArray[np.intp]  # [N]
    joules_noise: float = 0.05
    twins: bool = False

    @property
    def accuracy(self) -> Floats:
        return np.array([NormalDist().cdf(one) for one in self.strength])


def _costs(rng: Rng, count: int, span: float, each: int) -> tuple[Floats, NDArray[np.intp]]:
    return np.sort(rng.uniform(0, np.log(span), count)), np.repeat(np.arange(count), each)


def clear(rng: Rng) -> World:
    """Eight nets, each far from the next."""
    logs = np.linspace(0, np.log(30), 8) + rng.normal(0, 0.1, 8)
    return World(np.linspace(0, 2.2, 8) + rng.normal(0, 0.3, 8), logs, np.arange(8))


def spread(rng: Rng) -> World:
    """A sweep whose accuracies rise with joules and level out, at several learning rates."""
    logs, cost = _costs(rng, 20, 30, 5)
    rates = rng.choice([0, -0.1, -0.5, -2], 100)
    return World(1.2 + 1 - np.exp(-logs[cost]) + rng.normal(0, 0.25, 100) + rates, logs, cost)


def level(rng: Rng) -> World:
    """A hundred nets that are as good as equal."""
    logs, cost = _costs(rng, 20, 30, 5)
    return World(2.2 + rng.normal(0, 0.04, 100), logs, cost)


def rising(rng: Rng) -> World:
    """The same, a little better where they cost more."""
    logs, cost = _costs(rng, 20, 10, 5)
    return World(1.9 + 0.15 * logs[cost] + rng.normal(0, 0.08, 100), logs, cost)


def crowded(rng: Rng) -> World:
    """Costs that are nearer to each other than they are known."""
    logs, cost = _costs(rng, 20, 3, 5)
    return World(1.7 + 0.4 * logs[cost] + rng.normal(0, 0.15, 100), logs, cost, 0.1)


def ties(rng: Rng) -> World:
    """Four costs, and a fifth of the nets are another one's twin."""
    logs, cost = _costs(rng, 4, 3, 10)
    return World(1.8 + 0.1 * logs[cost] + rng.normal(0, 0.15, 40), logs, cost, twins=True)


KINDS: dict[str, Callable[[Rng], World]] = {
    one.__name__: one for one in (clear, spread, level, rising, crowded, ties)
}


def measure(world: World, rng: Rng, draws: int) -> tuple[World, dict[str, Any]]:
    """A sweep of a world: what was measured, and draws around it, as a study would have them."""
    images, hardness = int(rng.choice([360, 1000])), rng.choice([0.5, 1.0, 2.0])
    latent = world.strength * np.hypot(1, hardness) + hardness * rng.normal(size=(images, 1))
    answers = (latent + rng.normal(size=(images, len(world.strength))) > 0).astype(float)
    which = np.arange(len(world.strength))
    if world.twins:
        which = np.r_[which, which[::4]]
        world = World(world.strength[which], world.log_joules, world.cost[which])
    noise = world.joules_noise * rng.normal(size=(draws + 1, len(world.log_joules)))
    logs = world.log_joules + noise[0]
    found = {
        "accuracy": answers.mean(axis=0)[which],
        "joules": logs[world.cost],
        "accuracies": bootstrap(answers, rng, draws)[:, which],
        "log_joules": (logs + noise[1:])[:, world.cost],
        "images": np.full(len(which), float(images)),
    }
    return world, found


def bootstrap(answers: Floats, rng: Rng, draws: int) -> Floats:
    """Joint draws of accuracies, as `front.accuracy.draw_accuracies` makes them of one seed."""
    images, nets = answers.shape
    weights = rng.standard_exponential((draws, images))
    found = weights / weights.sum(axis=1, keepdims=True) @ answers
    errors = rng.normal(size=(draws, nets)) / (images + 2)
    return np.clip(found + errors[:, alike(answers)], 0, 1)


def one_world(kind: str, number: int, draws: int) -> dict[str, Any]:
    """Of each configuration: whether it belongs in truth, by point values, and the two answers."""
    rng = np.random.default_rng([number, *kind.encode()])
    world, found = measure(KINDS[kind](rng), rng, draws)
    accuracies, logs = found["accuracies"], found["log_joules"]
    believed = believed_accuracies(
        accuracies, found["accuracy"], images=found["images"], place=found["joules"], rng=rng
    )
    cost = world.log_joules[world.cost]
    beliefs = Beliefs(accuracies=believed, log_joules=logs)
    return {
        "true": members(world.accuracy[None], cost[None])[0],
        "front": members(found["accuracy"][None], found["joules"][None])[0],
        "in use": beliefs.belonging(),
        "bootstrap": Beliefs(accuracies=accuracies, log_joules=logs).belonging(),
        "floor": _floor(world.accuracy, found, {"in use": believed, "bootstrap": accuracies}, rng),
    }


def _floor(
    true: Floats, found: dict[str, Any], ways: dict[str, Floats], rng: Rng
) -> dict[str, tuple[float, bool]]:
    """The cheapest that seems to keep a floor: the probability that it does, and whether."""
    floor = float(np.quantile(true, rng.uniform(0.3, 0.9)))
    fits = np.flatnonzero(found["accuracy"] >= floor)
    if not len(fits):
        return {}
    taken = fits[np.argmin(found["joules"][fits])]
    return {
        way: (float(np.mean(draws[:, taken] >= floor)), bool(true[taken] >= floor))
        for way, draws in ways.items()
    }


def calibration(said: Floats, true: NDArray[np.bool_]) -> list[dict[str, float]]:
    """By tenths of the probability: how many, what was said of them, and what share was right."""
    tenth = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {
            "from": one / BINS,
            "count": int((tenth == one).sum()),
            "said": float(said[tenth == one].mean()),
            "right": float(true[tenth == one].mean()),
        }
        for one in range(BINS)
        if (tenth == one).any()
    ]


def off(bins: list[dict[str, float]]) -> float:
    """How far what was said is from what was right, a mean over all that it was said of."""
    count = sum(one["count"] for one in bins)
    return sum(one["count"] * abs(one["said"] - one["right"]) for one in bins) / count


def run(worlds: int = WORLDS, draws: int = DRAWS) -> dict[str, Any]:
    """All kinds of worlds, and all of them together."""
    pooled: defaultdict[str, list[Any]] = defaultdict(list)
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        found = [one_world(kind, number, draws) for number in range(worlds)]
        rows += [_row(kind, way, found) for way in ("in use", "bootstrap")]
        pooled["all"] += found
    total = [_row("all", way, pooled["all"]) for way in ("in use", "bootstrap")]
    for row in (*rows, *total):
        _say(row)
    return {
        "benchmark": "doubt",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "repeats": worlds,
        "rows": [*rows, *total],
        "targets": _targets(total[0]),
    }


def _row(kind: str, way: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    said, true, front = (
        np.concatenate([one[name] for one in found]) for name in (way, "true", "front")
    )
    kept = np.array([one["floor"][way] for one in found if one["floor"]])
    floors = calibration(kept[:, 0], kept[:, 1] == 1)
    of_members, of_others = (calibration(said[m], true[m]) for m in (front, ~front & (said > 0.02)))
    return {
        "kind": kind,
        "way": way,
        "members": float(front.sum() / len(found)),
        "wrong": float((front & ~true).sum() / len(found)),
        "expected_wrong": float((1 - said[front]).sum() / len(found)),
        "members_off": off(of_members),
        "others_off": off(of_others) if of_others else 0.0,
        "floors_off": off(floors),
        "floors_said": float(kept[:, 0].mean()),
        "floors_kept": float(kept[:, 1].mean()),
        "of_members": of_members,
        "of_others": of_others,
    }


def _targets(row: dict[str, Any]) -> dict[str, Any]:
    tenths = [one for one in row["of_members"] if one["count"] >= LEAST_COUNT]
    worst = max(abs(one["said"] - one["right"]) for one in tenths)
    ratio = row["expected_wrong"] / row["wrong"]
    return {
        "members, tenths of probability: furthest off": {
            "value": worst,
            "target": MOST_OFF,
            "holds": worst <= MOST_OFF,
        },
        "expected over true number of wrong members": {
            "value": ratio,
            "target": "0.9 to 1.1",
            "holds": 0.9 <= ratio <= 1.1,
        },
        "floors said to be kept, less those kept": {
            "value": row["floors_said"] - row["floors_kept"],
            "target": "within 0.05",
            "holds": abs(row["floors_said"] - row["floors_kept"]) <= 0.05,
        },
    }


def _say(row: dict[str, Any]) -> None:
    tenths = "  ".join(f"{one['said']:.2f}:{one['right']:.2f}" for one in row["of_members"])
    print(
        f"{row['kind']:8} {row['way']:9}  {row['members']:.1f} members, {row['wrong']:.2f} wrong,"
        f" {row['expected_wrong']:.2f} expected; off by {row['members_off']:.3f} (members),"
        f" {row['others_off']:.3f} (others); floors {row['floors_said']:.2f} said,"
        f" {row['floors_kept']:.2f} kept\n    said:right {tenths}",
        flush=True,
    )


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:]))))

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.doubt_worlds import KINDS, Floats, Rng, World, measure
from energy_sweep.front.doubt import Beliefs, members
from energy_sweep.front.sureness import is_cheaper, is_more_accurate
from energy_sweep.uncertainty.shrinkage import believed_accuracies

WORLDS, DRAWS = 1000, 1000
BINS = 10
# Members of fronts whose probability lies in a tenth: how far the share that belongs may be off.
MOST_OFF = 0.07
LEAST_COUNT = 200


def one_world(kind: str, number: int, draws: int) -> dict[str, Any]:
    """Of each configuration: whether it belongs in truth, by point values, and the two answers."""
    rng = np.random.default_rng([number, *kind.encode()])
    world, found = measure(KINDS[kind](rng), rng, draws)
    accuracies, logs = found["accuracies"], found["log_joules"]
    believed = believed_accuracies(
        accuracies, found["accuracy"], images=found["images"], place=found["joules"], rng=rng
    )
    cost = world.log_joules[world.cost]
    ways = {"in use": believed, "bootstrap": accuracies}
    shares = {
        way: Beliefs(accuracies=drawn, log_joules=logs).belonging() for way, drawn in ways.items()
    }
    return shares | {
        "true": members(world.accuracy[None], cost[None])[0],
        "front": members(found["accuracy"][None], found["joules"][None])[0],
        "choices": {
            way: choices(world, found, drawn, np.random.default_rng([number, *kind.encode(), 1]))
            for way, drawn in ways.items()
        },
    }


def choices(
    world: World, found: dict[str, Any], drawn: Floats, rng: Rng
) -> dict[str, tuple[float, bool]]:
    """What is said of choices, and whether it is so: the floor of the cheapest, the runners-up."""
    true, logs = world.accuracy, found["log_joules"]
    floor = float(np.quantile(true, rng.uniform(0.3, 0.9)))
    order = np.lexsort((-found["accuracy"], found["joules"]))
    fits = order[found["accuracy"][order] >= floor]
    said: dict[str, tuple[float, bool]] = {}
    if len(fits):
        kept = drawn[:, fits[0]] >= floor
        said["keeps the floor"] = float(kept.mean()), bool(true[fits[0]] >= floor)

    def point(index: int) -> tuple[Floats, Floats]:
        return drawn[:, index], logs[:, index]

    def truth(index: int) -> tuple[Floats, Floats]:
        return true[[index]], world.log_joules[world.cost[[index]]]

    best = np.lexsort((found["joules"], -found["accuracy"]))
    rivals = [("more accurate", best, is_more_accurate), ("cheaper", fits, is_cheaper)]
    for name, (first, second, *_), better in [one for one in rivals if len(one[1]) > 1]:
        share = better(point(first), point(second)).mean()
        said[name] = float(share), bool(better(truth(first), truth(second))[0])
    return said


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
    choice: dict[str, dict[str, float]] = {}
    for name in ("keeps the floor", "more accurate", "cheaper"):
        found_of = [one["choices"][way][name] for one in found if name in one["choices"][way]]
        shares, right = np.array(found_of, dtype=float).T
        choice[name] = {
            "said": float(shares.mean()),
            "right": float(right.mean()),
            "off": off(calibration(shares, right == 1)),
        }
    of_members, of_others = (calibration(said[m], true[m]) for m in (front, ~front & (said > 0.02)))
    return {
        "kind": kind,
        "way": way,
        "members": float(front.sum() / len(found)),
        "wrong": float((front & ~true).sum() / len(found)),
        "expected_wrong": float((1 - said[front]).sum() / len(found)),
        "members_off": off(of_members),
        "others_off": off(of_others) if of_others else 0.0,
        "choice": choice,
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
        **{
            f"choice {name}: said less right": {
                "value": one["said"] - one["right"],
                "target": "within 0.05",
                "holds": abs(one["said"] - one["right"]) <= 0.05,
            }
            for name, one in row["choice"].items()
        },
    }


def _say(row: dict[str, Any]) -> None:
    tenths = "  ".join(f"{one['said']:.2f}:{one['right']:.2f}" for one in row["of_members"])
    print(
        f"{row['kind']:8} {row['way']:9}  {row['members']:.1f} members, {row['wrong']:.2f} wrong,"
        f" {row['expected_wrong']:.2f} expected; off by {row['members_off']:.3f} (members),"
        f" {row['others_off']:.3f} (others)\n    said:right {tenths}\n    choices "
        + ", ".join(f"{n} {c['said']:.2f}:{c['right']:.2f}" for n, c in row["choice"].items()),
        flush=True,
    )


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:]))))

"""Certainty bought by what it teaches, against the same number of rounds and seeds for everybody.

    python -m benchmarks.race [--seeds 50]

Both begin with the same sweep of a world by formula (`race_world.py`), in which joules, images and
seeds have their noise and the truth is known. A decision is whether a configuration belongs to the
front; it is right if that is so in truth. The race buys, a twentieth of the sweep's joules at a
time, what `search.confirm` would buy. Equal repetition gives each member of the front and each near
rival a fresh seed, and each of their pools a round there and back, again and again.

`ratio` are the joules that the race takes to a share `budget` of the sweep, over those after which
equal repetition has as many right decisions as the race has then: where the mean over all worlds
has, and the median over worlds of the first time that each has in a world (both counted by their
first time, which luck brings forward).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.race_world import Floats, NoisyWorld, deciding_pools
from energy_sweep.search.next_purchase import FreshSeed, next_purchases
from energy_sweep.search.standing import NEAR

AT_ONCE = 0.05  # of the sweep's joules, before doubt is looked at anew
BUDGETS = (0.25, 0.5, 1.0)
LONGEST = 6.0

# Joules spent over those of the sweep, and decisions that are right then.
Course = list[tuple[float, int]]


def race(world: NoisyWorld) -> Iterator[None]:
    """Buy what tells most per joule."""
    while True:
        allowed = (1 + max(BUDGETS)) * world.start_joules - world.spent
        chosen = next_purchases(
            world.standing(), world.offers(), allowed=allowed, at_once=AT_ONCE * world.start_joules
        )
        for purchase in chosen:
            world.buy(purchase)
        yield
        if not chosen:
            return


def equal_repetition(world: NoisyWorld) -> Iterator[None]:
    """Buy the same for every member and near rival."""
    standing = world.standing()
    watched = np.flatnonzero(standing.members | (standing.belonging > NEAR))
    while True:
        for purchase in (deciding_pools(world, watched), *map(FreshSeed, watched.tolist())):
            world.buy(purchase)
            yield


def course(world: NoisyWorld, steps: Iterator[None], longest: float) -> Course:
    """Right decisions by joules, until so many times those of the sweep are spent again."""
    found = [(0.0, world.right_decisions())]
    for _ in steps:
        found.append((world.spent / world.start_joules - 1, world.right_decisions()))
        if found[-1][0] >= longest:
            break
    return found


def decisions_at(courses: Sequence[Course], shares: Floats) -> Floats:
    """Right decisions of each course [courses, shares] once a share of the joules is spent."""
    rows: list[Floats] = []
    for one in courses:
        spent, right = np.array(one).T
        rows.append(right[np.searchsorted(spent, shares + 1e-9, side="right") - 1])
    return np.array(rows)


def ratios(racing: Sequence[Course], equal: Sequence[Course], budget: float) -> dict[str, float]:
    """How far the race gets with a budget, and what equal repetition takes to get there."""
    shares = np.arange(0.0, LONGEST, 0.01)
    means = decisions_at(equal, shares).mean(axis=0)
    reached = float(decisions_at(racing, np.array([budget])).mean())
    enough = np.flatnonzero(means >= reached)
    by_mean = budget / float(shares[enough[0]]) if len(enough) else 0.0
    return {
        "budget": budget,
        "right": reached,
        "right_equal": float(decisions_at(equal, np.array([budget])).mean()),
        "ratio_of_means": round(by_mean, 3),
        "median_ratio": round(_median_ratio(racing, equal, budget), 3),
    }


def _median_ratio(racing: Sequence[Course], equal: Sequence[Course], budget: float) -> float:
    found: list[float] = []
    for ours, theirs in zip(racing, equal, strict=True):
        best = max(right for spent, right in ours if spent <= budget + 1e-9)
        first = next(spent for spent, right in ours if right >= best)
        if best > ours[0][1]:  # else nothing had to be bought by either
            later = next((spent for spent, right in theirs if right >= best), math.inf)
            found.append(first / later)
    return float(np.median(found))


def main() -> None:
    """Run both in every world, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)
    seeds = range(parser.parse_args().seeds)
    begun = time.perf_counter()
    racing, equal = list[Course](), list[Course]()
    for seed in seeds:
        ours, theirs = (NoisyWorld(np.random.default_rng(seed)) for _ in range(2))
        racing.append(course(ours, race(ours), max(BUDGETS)))
        equal.append(course(theirs, equal_repetition(theirs), LONGEST))
    found = {
        "benchmark": "race",
        "worlds": len(seeds),
        "right_before": float(decisions_at(racing, np.array([0.0])).mean()),
        "budgets": [ratios(racing, equal, budget) for budget in BUDGETS],
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

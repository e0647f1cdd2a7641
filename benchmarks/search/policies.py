"""What the benchmark compares ours to: chance and perfect knowledge; and what ours has lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.search.runs import Run


def lost_members(run: Run) -> dict[str, Any]:
    """How many members of the true front there are, and how many were given up unmeasured."""
    members = run.world.members
    lost = run.given_up[members] & ~run.answered[members]
    return {"members": len(members), "lost": int(lost.sum())}


def random_order(run: Run) -> Iterator[None]:
    for index in np.random.default_rng([run.seed, 5]).permutation(len(run.world.points)):
        if not run.answered[index]:
            run.measure(int(index))
            yield


def perfect(run: Run) -> Iterator[None]:
    """Truth known: the most hypervolume per marginal joule, one after the other."""
    world, run_price = run.world, lambda: run.price
    while True:
        held = world.hypervolume(run.front)
        members = np.array([one for one in world.members if not run.answered[one]], dtype=np.intp)
        if not len(members):
            return
        gains = np.array([world.hypervolume(np.append(run.front, one)) - held for one in members])
        run.measure(int(members[np.argmax(gains / run_price()[members])]))
        yield

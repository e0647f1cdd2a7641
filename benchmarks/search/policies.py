"""What the benchmark compares: ours, what it is made of, and perfect knowledge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.search.runs import IMAGES, Run
from energy_sweep.search.acquisition.giving_up import given_up, membership
from energy_sweep.search.acquisition.policy import Candidates, rank
from energy_sweep.search.acquisition.start import start


def ours(run: Run) -> Iterator[None]:
    """Gain per marginal joule, until all that is left is given up."""
    run.spent += run.world.price_list
    for index in start(run.world.points, run.world.space, run.seed):
        run.measure(index)
        yield
    while True:
        candidates = _candidates(run)
        ranking = rank(candidates)
        run.given_up |= given_up(membership(ranking, candidates), run.world.trunk)
        chosen = ranking.best(~(run.answered | run.given_up))
        if chosen is None:
            return
        run.measure(chosen)
        yield


def _candidates(run: Run) -> Candidates:
    measured = np.array(run.measured, dtype=np.intp)
    return Candidates(
        features=run.world.features,
        joules=run.world.joules,
        price=run.price,
        measured=measured,
        correct=run.correct[measured],
        images=np.full(len(measured), float(IMAGES)),
        rising=run.world.rising,
    )


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

"""What the benchmark compares: ours, what it is made of, and perfect knowledge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.search.runs import IMAGES, Run
from benchmarks.search.worlds import Numbers
from energy_sweep.front.domination import pareto
from energy_sweep.search.acquisition.candidates import is_small, neighbours, sample
from energy_sweep.search.acquisition.giving_up import given_up, membership
from energy_sweep.search.acquisition.policy import Candidates, rank
from energy_sweep.search.acquisition.start import start


def ours(run: Run) -> Iterator[None]:
    """Gain per marginal joule, until all that is left is given up."""
    run.spent += run.world.price_list
    base = _base(run)
    points = [dict(run.world.points[one]) for one in base]
    for index in start(points, run.world.space, run.seed, run.world.alone[base]):
        run.measure(int(base[index]))
        yield
    while True:
        weighed = np.unique([*base, *run.measured, *_near_front(run)])
        candidates = _candidates(run, weighed)
        ranking, trunks = rank(candidates), run.world.trunk[weighed]
        run.given_up[weighed] |= given_up(membership(ranking, candidates), trunks)
        chosen = ranking.best(~(run.answered | run.given_up)[weighed])
        if chosen is None:
            return
        run.measure(int(weighed[chosen]))
        yield


def _base(run: Run) -> Numbers:
    """Candidates that are weighed whatever was measured: all, or a sample, as the product does."""
    world = run.world
    if is_small(world.space):
        return np.arange(len(world.points), dtype=np.intp)
    sampled = sample(world.space, seed=run.seed)
    return np.unique([world.index[tuple(point.values())] for point in sampled])


def _near_front(run: Run) -> Numbers:
    """What lies next to the front that was seen, where not all is weighed anyway."""
    world, measured = run.world, np.array(run.measured)
    if is_small(world.space):
        return np.array([], dtype=np.intp)
    seen = pareto(list(zip(run.correct[measured], world.joules[measured], strict=True)))
    points = neighbours([dict(world.points[measured[one]]) for one in seen], world.space)
    return np.array([world.index[tuple(point.values())] for point in points], dtype=np.intp)


def _candidates(run: Run, weighed: Numbers) -> Candidates:
    measured = np.array(run.measured, dtype=np.intp)
    return Candidates(
        features=run.world.features[weighed],
        joules=run.world.joules[weighed],
        price=run.price[weighed],
        measured=np.searchsorted(weighed, measured),
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

"""One search of a world: what it has measured, what that took, and the front it then holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.worlds import Floats, World
from energy_sweep.front.domination import pareto

IMAGES = 1000  # of which a validation set says how many are right
ENOUGH = 0.97  # of the true hypervolume, after which a run ends, and none counts as ahead
MOST_MEASURED = 150  # by a run that goes on
MOST_ASKED = 4000  # answers, repeats among them

# Joules spent, and hypervolume held over the true one.
Course = list[tuple[float, float]]


class Run:
    """A search of `world`, which pays each stage once if it is `shared`, else all of each trial.

    `correct` [N] are the counts that a measurement would tell: binomial, of IMAGES, the same for
    accuracies that must be equal.
    """

    def __init__(
        self, world: World, seed: int, *, shared: bool, pays_repeats: bool = False
    ) -> None:
        self.world, self.seed = world, seed
        self.shared, self.pays_repeats = shared, pays_repeats
        rng = np.random.default_rng([seed, 3])
        drawn = rng.binomial(IMAGES, world.accuracy).astype(np.float64)
        self.correct = drawn[np.unique(world.equal, return_index=True)[1]][world.equal]
        self.spent = 0.0
        self.measured = list[int]()
        self.answered = np.zeros(len(world.points), dtype=np.bool_)
        self.given_up = np.zeros(len(world.points), dtype=np.bool_)
        self.held = np.zeros(int(world.stages.max()) + 1, dtype=np.bool_)
        self.front = np.array([], dtype=np.intp)
        self.course: Course = [(0.0, 0.0)]

    @property
    def price(self) -> Floats:
        """Joules that each candidate would take now [N]."""
        if not self.shared:
            return self.world.alone
        return (self.world.stage_joules * ~self.held[self.world.stages]).sum(axis=1)

    def observed(self, index: int) -> float:
        return float(self.correct[index] / IMAGES)

    def measure(self, index: int) -> float:
        """Pay a candidate, and tell its accuracy."""
        world = self.world
        if self.answered[index] and not self.pays_repeats:
            return self.observed(index)
        if self.shared:
            runs = world.stage_joules[index] > 0
            self.spent += float(world.stage_joules[index][~self.held[world.stages[index]]].sum())
            self.held[world.stages[index][runs]] = True
        else:
            self.spent += float(world.alone[index])
        self.answered[index] = True
        self.measured.append(index)
        self._extend(index)
        return self.observed(index)

    def _extend(self, index: int) -> None:
        world = self.world
        held = np.union1d(self.front, [index]).astype(np.intp)
        points = list(zip(world.accuracy[held], world.cost[held], strict=True))
        self.front = held[np.array(pareto(points), dtype=np.intp)]
        self.course.append((self.spent, world.hypervolume(self.front) / world.whole))


# A policy measures candidates of a run, and yields after each.
Policy = Callable[[Run], Iterator[None]]


def course(run: Run, policy: Policy, most: float, *, on: bool = False) -> Course:
    """What a policy holds by joules, until enough is found or so many joules are spent.

    A run that goes `on` then ends when its policy does, or after MOST_MEASURED.
    """
    for asked, _ in enumerate(policy(run)):
        if on and len(run.measured) < MOST_MEASURED:
            continue
        ended = run.course[-1][1] >= ENOUGH or run.spent >= most or run.answered.all()
        if ended or asked >= MOST_ASKED:
            break
    return run.course


def joules_to(found: Course, share: float) -> float:
    """Joules after which a run holds a share of the true hypervolume; inf if it never did."""
    return next((spent for spent, held in found if held >= share), float("inf"))


def held_at(found: Course, joules: Floats) -> NDArray[np.float64]:
    """Share of the true hypervolume held after so many joules, at most ENOUGH, each [G]."""
    spent, held = np.minimum(np.array(found), [np.inf, ENOUGH]).T
    return held[np.searchsorted(spent, joules, side="right") - 1]

"""Spaces whose true accuracies and joules are known: what is told by formula.

An epoch of the cheapest net is one joule. A trial trains at a constant rate (its trunk, four fifths
of its epochs), cools down, is compressed and recovered where its level is not 0, and is evaluated.
Accuracies have an optimum in the logarithm of lr that moves with the batch, level out in epochs,
fall with the cube of the level, and have a roughness that no axis explains; the smallest batch at
the highest lr diverges. `seed` draws where the optimum lies, how steep all is, and the roughness.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.domination import hypervolume, pareto
from energy_sweep.study.space import Axis, Space

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

IMAGES = 3000  # as `mnist5k_hard` has for training
CHANCE = 0.1  # accuracy of what diverged
OUTSIDE = 0.1  # of the extent of the true front, by which the reference lies outside of it
COOLDOWN = 0.2  # of the epochs
RECOVER, EVALUATE = 3.0, 0.3  # epochs
WINDOW = 0.1  # epochs of the cheapest batch, in which the joules of inference are found
LEVELS = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)


@dataclass(frozen=True, kw_only=True)
class World:
    """N candidates, `points` of a `space` of configurations.

    `stages` [N, S] numbers what each runs and `stage_joules` [N, S] says what that takes: equal
    numbers are the same work, which a store holds after the first. `joules` [N] is the objective.
    `equal` [N] numbers accuracies that must be equal, since only levers of the device differ.
    `trunk` [N] numbers what trains alike but for the epochs. `epoch_joules` [N] is an epoch of the
    net, `inference` [N] all images through its graph, and `window` [N] what finding that takes; no
    graph is run where these are 0. An epoch is of so many `images`.
    """

    name: str
    space: Space
    points: tuple[Mapping[str, Any], ...]
    accuracy: Floats
    joules: Floats
    stages: Numbers
    stage_joules: Floats
    trunk: Numbers
    equal: Numbers
    epoch_joules: Floats
    inference: Floats
    window: Floats
    images: int

    @cached_property
    def alone(self) -> Floats:
        """What each takes where nothing is shared [N]."""
        return self.stage_joules.sum(axis=1)

    @cached_property
    def index(self) -> dict[tuple[Any, ...], int]:
        """Where each point is, by its values in the order of the axes."""
        return {tuple(point.values()): at for at, point in enumerate(self.points)}

    @cached_property
    def cost(self) -> Floats:
        return np.log10(self.joules)

    @cached_property
    def members(self) -> Numbers:
        """The true front, cheapest first."""
        return np.array(pareto(list(zip(self.accuracy, self.cost, strict=True))), dtype=np.intp)

    @cached_property
    def reference(self) -> tuple[float, float]:
        """A tenth of the extent of the true front outside of it."""
        accuracy, cost = self.accuracy[self.members], self.cost[self.members]
        return (
            float(accuracy.min() - OUTSIDE * np.ptp(accuracy)),
            float(cost.max() + OUTSIDE * np.ptp(cost)),
        )

    @cached_property
    def whole(self) -> float:
        """Hypervolume of the true front."""
        return self.hypervolume(self.members)

    def hypervolume(self, chosen: Numbers) -> float:
        points = zip(self.accuracy[chosen].tolist(), self.cost[chosen].tolist(), strict=True)
        return hypervolume(points, self.reference)


@dataclass(frozen=True, kw_only=True)
class Training:
    """What N candidates train, each [N]: work that differs has another number in `trunk`."""

    trunk: Numbers
    epochs: Floats
    level: Floats
    epoch_joules: Floats


def stages(training: Training) -> tuple[Numbers, Floats]:
    """Numbers and joules of the stages of each [N, S]: blocks of the trunk, cooldown, the rest."""
    of, epochs, level = training.trunk, training.epochs, training.level
    ends = np.unique(epochs) * (1 - COOLDOWN)
    starts = np.append(0.0, ends[:-1])
    names = list[Numbers]()
    takes = list[Floats]()
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        runs = epochs * (1 - COOLDOWN) > start
        names.append(of * len(ends) + block)
        takes.append(np.where(runs, end - start, 0.0))
    which = np.searchsorted(np.unique(epochs), epochs)
    cooled = of * len(ends) + which
    kind = cooled * (len(np.unique(level)) + 1) + np.searchsorted(np.unique(level), level)
    names += [cooled, kind]
    takes += [COOLDOWN * epochs, np.where(level > 0, RECOVER + EVALUATE, EVALUATE)]
    apart = np.cumsum([0] + [int(one.max()) + 1 for one in names[:-1]])
    apart[1 : len(ends)] = 0  # blocks of trunks are numbered apart already
    numbers = np.stack([one + begin for one, begin in zip(names, apart, strict=True)], axis=1)
    return numbers, np.stack(takes, axis=1) * training.epoch_joules[:, None]


def grid(axes: Mapping[str, Sequence[Any]]) -> tuple[Space, tuple[dict[str, Any], ...]]:
    space = Space([Axis(name=name, values=tuple(values)) for name, values in axes.items()])
    return space, tuple(
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
    )


def column(points: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([point[name] for point in points], dtype=np.float64)


def smooth(seed: int) -> World:
    """252 candidates, roughness .004."""
    return _surrogate("smooth", seed, roughness=0.004)


def rough(seed: int) -> World:
    """The same, roughness .012."""
    return _surrogate("rough", seed, roughness=0.012)


def outside(seed: int) -> World:
    """The same as smooth, but the best rate may lie up to .4 decades outside of those there are,
    and move by any power of the batch up to the first: a control of what a search takes for usual.
    """
    rng = np.random.default_rng([seed, 5])
    summit = (float(rng.uniform(-2.4, -0.1)), float(rng.uniform(0, 1)))
    return _surrogate("outside", seed, roughness=0.004, summit=summit)


def _surrogate(
    name: str, seed: int, roughness: float, summit: tuple[float, float] | None = None
) -> World:
    """`summit` is log10 of the best rate at batch 64, and the power of the batch it follows."""
    rng = np.random.default_rng([seed, 1])
    axes = {"batch": (32, 64, 128), "lr": (0.01, 0.03, 0.1, 0.3), "epochs": (10, 20, 30)}
    space, points = grid({**axes, "compression.level": LEVELS})
    batch, lr, epochs, level = (column(points, name) for name in space.names)
    usual = float(rng.uniform(-1.6, -1.0)), 0.5
    at, power = usual if summit is None else summit
    optimum = at + power * np.log10(batch / 64)
    accuracy = (
        rng.uniform(0.93, 0.97)
        - rng.uniform(0.02, 0.06) * (np.log10(lr) - optimum) ** 2
        - rng.uniform(0.08, 0.16) * np.exp(-epochs / rng.uniform(8, 14))
        - rng.uniform(0.1, 0.3) * level**3
        + rng.normal(0, roughness, len(points))
    )
    accuracy[(batch == 32) & (lr == 0.3)] = CHANCE
    epoch_joules = np.select([batch == 32, batch == 64], [1.45, 1.1], 1.0)
    inference = 20 * (1 - 0.85 * level)
    of = np.arange(len(points)) // (len(LEVELS) * 3)
    training = Training(trunk=of, epochs=epochs, level=level, epoch_joules=epoch_joules)
    return _of_training(name, space, points, accuracy, inference, training, np.ones(len(points)))


def large(seed: int) -> World:
    """10,368 candidates: optimizer, width and resolution too, roughness .006."""
    rng = np.random.default_rng([seed, 2])
    space, points = grid(
        {
            "optimizer": ("sgd", "adamw"),
            "batch": (32, 64, 128),
            "width": (0.5, 0.75, 1.0),
            "resolution": (16, 24, 32),
            "lr": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            "epochs": (5, 10, 20, 40),
            "compression.level": (*LEVELS, 0.95),
        }
    )
    batch, width, resolution, lr, epochs, level = (
        column(points, name) for name in space.names if name != "optimizer"
    )
    adamw = np.array([point["optimizer"] == "adamw" for point in points])
    optimum = rng.uniform(-1.4, -0.8) - rng.uniform(0.5, 1.2) * adamw + 0.5 * np.log10(batch / 64)
    accuracy = (
        rng.uniform(0.93, 0.97)
        - rng.uniform(0.02, 0.06) * (np.log10(lr) - optimum) ** 2
        - rng.uniform(0.06, 0.12) * np.exp(-epochs / rng.uniform(8, 14))
        - rng.uniform(0.1, 0.3) * level**3 / np.sqrt(width)
        - rng.uniform(0.02, 0.05) * (1 / width - 1)
        - rng.uniform(0.02, 0.06) * (32 / resolution - 1)
        + rng.uniform(-0.01, 0.01) * adamw
        + rng.normal(0, 0.006, len(points))
    )
    accuracy[np.log10(lr) > optimum + 1.2] = CHANCE
    size = width**1.5 * (resolution / 32) ** 2
    epoch_joules = np.select([batch == 32, batch == 64], [1.45, 1.1], 1.0) * size
    inference = 20 * size * (1 - 0.85 * level)
    of = np.arange(len(points)) // (len(np.unique(level)) * len(np.unique(epochs)))
    training = Training(trunk=of, epochs=epochs, level=level, epoch_joules=epoch_joules)
    return _of_training("large", space, points, accuracy, inference, training, size)


def _of_training(
    name: str,
    space: Space,
    points: tuple[dict[str, Any], ...],
    accuracy: Floats,
    inference: Floats,
    training: Training,
    size: Floats,
) -> World:
    numbers, takes = stages(training)
    evaluated = EVALUATE * training.epoch_joules
    return World(
        name=name,
        space=space,
        points=points,
        accuracy=np.clip(accuracy, CHANCE, 0.999),
        joules=takes.sum(axis=1) - evaluated + inference,
        stages=numbers,
        stage_joules=takes,
        trunk=training.trunk,
        equal=np.arange(len(points)),
        epoch_joules=training.epoch_joules,
        inference=inference,
        window=WINDOW * size,
        images=IMAGES,
    )


WORLDS: dict[str, Callable[[int], World]] = {
    "smooth": smooth,
    "rough": rough,
    "outside": outside,
    "large": large,
}

"""Sweeps whose truth is known: what nets are worth and cost, and what was measured of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.uncertainty.shrinkage import alike

Floats = NDArray[np.float64]
Rng = np.random.Generator


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
    """Joint draws of accuracies, as `front.accuracy.AccuracyTable` draws them of one seed."""
    images, nets = answers.shape
    weights = rng.standard_exponential((draws, images))
    found = weights / weights.sum(axis=1, keepdims=True) @ answers
    errors = rng.normal(size=(draws, nets)) / (images + 2)
    return np.clip(found + errors[:, alike(answers)], 0, 1)

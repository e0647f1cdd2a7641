"""A world by formula for `race.py`: 108 configurations whose joules and accuracy are measured with
noise, and whose truth is known."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.detrending import BETWEEN_RUNS
from energy_sweep.front.doubt import Beliefs, members
from energy_sweep.search.next_purchase import FreshSeed, Offers, Purchase, Turn
from energy_sweep.search.standing import Standing
from energy_sweep.uncertainty.shrinkage import believed_accuracies

Floats = NDArray[np.float64]

BATCHES, RATES, EPOCHS, LEVELS = (32, 64, 128), (0.01, 0.03, 0.1), (5, 10, 20, 40), (0.0, 0.5, 0.75)
RECOVERY_EPOCHS, IMAGES = 3, 1000
MARK_SPREAD = 0.05  # of the log of one epoch or mark of a window
RUN_SPREAD = BETWEEN_RUNS * MARK_SPREAD  # of the log price of a pool, whatever is bought in one run
SEED_SPREAD = 0.15  # of the ability of one training, in logits
DRAWS = 400
# Of the true accuracy, a mean over so many images and all seeds.
MANY_IMAGES = 20_000


class NoisyWorld:
    """What is true, what was measured so far, and what that took (`spent` joules).

    `units` [N, K] are those of each pool that a configuration takes.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        grid = list(itertools.product(BATCHES, RATES, EPOCHS, LEVELS))
        draw = random.normal
        self.units = np.array([_units(*point) for point in grid])
        step = np.array([1.0, 0.8, 0.68]) * np.exp(draw(0, 0.1, 3))
        recovery = (step[:, None] * [0.8, 0.65]).ravel() * np.exp(draw(0, 0.05, 6))
        image = np.array([1.0, 0.75, 0.6]) * 8e-5 * np.exp(draw(0, 0.05, 3))
        self.true_prices = np.concatenate([step, recovery, image])
        self.window_joules = np.concatenate([step, recovery, np.full(3, 0.5)])
        self.run_effect = draw(0, RUN_SPREAD, len(self.true_prices))
        self.ability = np.array([_ability(*point) for point in grid])
        self.ability += draw(0, 0.05, len(grid))
        self.hardness = draw(0, 1.5, IMAGES)
        self.true_accuracy = self._true_accuracy()
        self.marks = np.maximum(3.0, np.ceil(0.4 * self.units.sum(axis=0)))
        self.marks[-3:] = 20.0
        self.price_noise = draw(0, MARK_SPREAD, len(self.marks)) / np.sqrt(self.marks)
        self.answers = [[self._answers(one)] for one in range(len(grid))]
        self.start_joules = self.spent = float((self.units[:, :-3] @ self.true_prices[:-3]).sum())

    @property
    def true_joules(self) -> Floats:
        return self.units @ self.true_prices

    @property
    def prices(self) -> Floats:
        """As measured."""
        return self.true_prices * np.exp(self.run_effect + self.price_noise)

    @property
    def accuracy(self) -> Floats:
        """As measured."""
        return np.array([float(np.mean(one)) for one in self.answers])

    def right_decisions(self) -> int:
        """Configurations that are on the front by what was measured and in truth, or on neither."""
        found = _front(self.accuracy, np.log(self.units @ self.prices))
        return int((found == _front(self.true_accuracy, np.log(self.true_joules))).sum())

    def standing(self) -> Standing:
        """What a study would know of it."""
        joules = self.units @ self.prices
        log_joules = self._draw_log_joules()
        accuracies = believed_accuracies(
            self._draw_accuracies(),
            self.accuracy,
            images=np.full(len(self.units), float(IMAGES)),
            place=log_joules.mean(axis=0),
            rng=self.random,
        )
        return Standing(
            accuracies=accuracies,
            log_joules=log_joules,
            belonging=Beliefs(accuracies=accuracies, log_joules=log_joules).belonging(),
            members=_front(self.accuracy, np.log(joules)),
            shares=self.units * self.prices / joules[:, None],
            mark_variance=np.full(len(self.marks), MARK_SPREAD**2),
            marks=self.marks,
            seeds=np.array([float(len(one)) for one in self.answers]),
        )

    def offers(self) -> Offers:
        training = self.units[:, :-3] @ self.prices[:-3]
        marks = np.array([1.0] * 9 + [4.0] * 3)
        return Offers(round_joules=self.window_joules, round_marks=marks, seed_joules=training)

    def buy(self, purchase: Purchase) -> None:
        """Measure it."""
        if isinstance(purchase, FreshSeed):
            self.answers[purchase.configuration].append(self._answers(purchase.configuration))
        else:
            marks = self.offers().round_marks
            for pool in purchase.pools:
                self._more_marks(pool, 2 * marks[pool])
        self.spent += self.offers().price(purchase)

    def _more_marks(self, pool: int, more: float) -> None:
        before = self.marks[pool]
        new = self.random.normal(0, MARK_SPREAD / np.sqrt(more))
        self.price_noise[pool] = (before * self.price_noise[pool] + more * new) / (before + more)
        self.marks[pool] = before + more

    def _answers(self, configuration: int) -> Floats:
        """Which images one training of a configuration gets right."""
        able = self.ability[configuration] + self.random.normal(0, SEED_SPREAD)
        luck = self.random.logistic(0, 1, IMAGES)
        return (able - self.hardness + luck > 0).astype(float)

    def _true_accuracy(self) -> Floats:
        """Over many images and all seeds."""
        hardness = np.sort(self.random.normal(0, 1.5, MANY_IMAGES))[:: MANY_IMAGES // 2000]
        seeds = SEED_SPREAD * np.linspace(-2, 2, 41)
        weights = np.exp(-0.5 * np.linspace(-2, 2, 41) ** 2)
        able = self.ability[:, None, None] + seeds[None, :, None] - hardness
        return (1 / (1 + np.exp(-able))).mean(axis=2) @ weights / weights.sum()

    def _draw_accuracies(self) -> Floats:
        """Images resampled alike for all; seeds vary as those of configurations with several do."""
        means = np.array([np.mean(one, axis=0) for one in self.answers])
        chosen = self.random.multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), size=DRAWS)
        count = np.array([len(one) for one in self.answers])
        slope = means.mean(axis=1) * (1 - means.mean(axis=1))
        seeds = SEED_SPREAD * slope / np.sqrt(count) * self.random.normal(size=(DRAWS, len(count)))
        return chosen @ means.T / IMAGES + seeds

    def _draw_log_joules(self) -> Floats:
        spread = np.sqrt(RUN_SPREAD**2 + MARK_SPREAD**2 / self.marks)
        noise = self.random.normal(0, spread, size=(DRAWS, len(spread)))
        return np.log((self.prices * np.exp(noise)) @ self.units.T)


def deciding_pools(world: NoisyWorld, configurations: NDArray[np.intp]) -> Turn:
    """All pools that some configurations use."""
    used = (world.units[configurations] > 0).any(axis=0)
    return Turn(tuple(np.flatnonzero(used).tolist()))


def _units(batch: int, rate: float, epochs: int, level: float) -> Floats:
    """Epochs of three batches, recovery epochs of six shapes, images of three graphs."""
    del rate
    found = np.zeros(12)
    row, column = BATCHES.index(batch), LEVELS.index(level)
    found[row] = epochs
    if column:
        found[3 + 2 * row + column - 1] = RECOVERY_EPOCHS
    found[9 + column] = 1e5
    return found


def _ability(batch: int, rate: float, epochs: int, level: float) -> float:
    """In logits: long, small batches and light compression help; each batch has a best rate."""
    miss = np.log(rate / 0.03) - 0.5 * np.log(batch / 64)
    return float(2.6 - 6.0 / epochs - 0.25 * miss**2 - 0.6 * level**2 - 0.1 * np.log2(batch / 32))


def _front(accuracy: Floats, log_joules: Floats) -> NDArray[np.bool_]:
    return members(accuracy[None], log_joules[None])[0]

"""What is known of a front while certainty is bought for it: who may dominate whom, and of what
that doubt is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Numbers = NDArray[np.intp]

# A member that belongs to the front with more than this probability, or less than the rest, is
# decided; who dominates it with less than the second has no part in its doubt.
DECIDED = 0.95
NEAR = 0.01

# Outcomes of a measurement that is not made yet, as standard deviations, and their weights.
_NODES, _PLAIN_WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _PLAIN_WEIGHTS / _PLAIN_WEIGHTS.sum()
# A purchase leaves some of the variance of a difference, whatever its model of noise says.
MOST_LEARNED = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """N configurations whose joules are sums over K pools of equal work.

    `accuracies` and `log_joules` [D, N] are joint draws, `belonging` [N] the probabilities that
    follow, `members` [N] the front by point values. `shares` [N, K] is what each pool contributes
    to the joules of a configuration; the mean log price of pool k rests on `marks` [K] of
    `mark_variance` [K] each; `seeds` [N] were run.
    """

    accuracies: Floats
    log_joules: Floats
    belonging: Floats
    members: Truths
    shares: Floats
    mark_variance: Floats
    marks: Floats
    seeds: Floats

    @property
    def doubt(self) -> float:
        """How many members are expected not to belong to the front."""
        return float((1 - self.belonging[self.members]).sum())

    @property
    def undecided(self) -> Numbers:
        """The members that may belong or not."""
        share = self.belonging
        return np.flatnonzero(self.members & (share > 1 - DECIDED) & (share < DECIDED))

    def contests(self) -> Contests:
        """The pairs of an undecided member and who may dominate it."""
        undecided, count = self.undecided, len(self.belonging)
        accuracy, joules = self._moments(self.accuracies), self._moments(-self.log_joules)
        every = Contests(
            member=np.repeat(undecided, count),
            other=np.tile(np.arange(count, dtype=np.intp), len(undecided)),
            accuracy=accuracy[0].ravel(),
            accuracy_variance=accuracy[1].ravel(),
            joules=joules[0].ravel(),
            joules_variance=joules[1].ravel(),
        )
        chance = every.domination
        return every.only((chance > NEAR) & (chance < 1 - NEAR))

    @property
    def contested(self) -> list[int]:
        """All configurations of those pairs."""
        pairs = self.contests()
        return sorted({*pairs.member.tolist(), *pairs.other.tolist()})

    def _moments(self, draws: Floats) -> tuple[Floats, Floats]:
        """What all others have more than each undecided member, mean and variance, both [M, N]."""
        shape = (len(self.undecided), draws.shape[1])
        mean, variance = np.zeros(shape), np.zeros(shape)
        for row, member in enumerate(self.undecided):
            more = draws - draws[:, [member]]
            mean[row], variance[row] = more.mean(axis=0), more.var(axis=0)
        return mean, variance


@dataclass(slots=True)
class Contests:
    """Pairs [P]: by how much `other` is more accurate than `member`, and the log of how many times
    fewer joules it takes, each with its variance."""

    member: Numbers
    other: Numbers
    accuracy: Floats
    accuracy_variance: Floats
    joules: Floats
    joules_variance: Floats

    def only(self, kept: Truths) -> Contests:
        """Some of the pairs."""
        return Contests(
            self.member[kept],
            self.other[kept],
            self.accuracy[kept],
            self.accuracy_variance[kept],
            self.joules[kept],
            self.joules_variance[kept],
        )

    @property
    def domination(self) -> Floats:
        """The probability of each pair that `other` dominates `member`."""
        is_same = (self.accuracy == 0) & (self.joules == 0)
        is_same &= (self.accuracy_variance == 0) & (self.joules_variance == 0)
        better = above_zero(self.accuracy, self.accuracy_variance)
        return np.where(is_same, 0.0, better * above_zero(self.joules, self.joules_variance))

    @property
    def loss(self) -> Floats:
        """The doubt of each pair: the variance of whether one dominates the other."""
        chance = self.domination
        return chance * (1 - chance)

    def gain(self, accuracy_learned: Floats, joules_learned: Floats) -> float:
        """By how much measuring is expected to lower the loss of all pairs together.

        So much of the variances [P] would be gone.
        """
        touched = (accuracy_learned > 0) | (joules_learned > 0)
        some = self.only(touched)
        if not len(some.member):
            return 0.0
        better = _after(some.accuracy, some.accuracy_variance, accuracy_learned[touched])
        cheaper = _after(some.joules, some.joules_variance, joules_learned[touched])
        # A purchase moves either of the two; where it moves none, all outcomes are the same.
        chance = better * cheaper
        after = (chance * (1 - chance)) @ _WEIGHTS
        return float((some.loss - after).sum())

    def learn(self, accuracy_learned: Floats, joules_learned: Floats) -> None:
        """Take so much of the variances away, as if that had been measured."""
        self.accuracy_variance = self.accuracy_variance - accuracy_learned
        self.joules_variance = self.joules_variance - joules_learned


def above_zero(mean: Floats, variance: Floats) -> Floats:
    """The probability that normal values are at least 0; what has no variance is there or not."""
    spread = np.sqrt(variance)
    certain = spread <= 0
    scores = mean / np.where(certain, 1.0, spread)
    return np.where(certain, np.where(mean >= 0, 1.0, 0.0), normal(scores))


def normal(scores: Floats) -> Floats:
    """The standard normal distribution function, to 2e-4 (Page 1977, Applied Statistics 26)."""
    bounded = np.clip(scores, -8, 8)
    return 1 / (1 + np.exp(-1.5976 * bounded - 0.070566 * bounded**3))


def _after(mean: Floats, variance: Floats, learned: Floats) -> Floats:
    """The same probability after each outcome of a measurement: shape [P, outcomes]."""
    left = np.maximum(variance - learned, 0.0)[:, None]
    moved = mean[:, None] + np.sqrt(learned)[:, None] * _NODES
    return above_zero(moved, np.broadcast_to(left, moved.shape))

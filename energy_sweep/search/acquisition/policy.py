"""Which candidate to measure next: the most expected front per joule that is not yet paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.domination import Point
from energy_sweep.search.acquisition.accuracy_model import AnswerCounts, believe
from energy_sweep.search.acquisition.expected import Staircase

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

HOPE = 1.0  # standard deviations above what is believed
OUTSIDE = 0.1  # of a front's extent, by which the reference lies outside of it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """N candidates: `features` [N, D], what each costs by the objective (`joules` [N]), and what it
    would take now (`price` [N], joules that the store does not hold).

    `measured` [M] are those with an answer: so many of so many images were right. In the columns
    `rising` of the features, accuracy is expected to rise, as it is over epochs.
    """

    features: Floats
    joules: Floats
    price: Floats
    measured: Numbers
    correct: Floats
    images: Floats
    rising: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What is believed of N candidates: `mean` and `sd` of accuracy, the expected `gain` in area of
    (accuracy, log10 joules), and gain per joule of the price (`rate`); each [N]."""

    mean: Floats
    sd: Floats
    gain: Floats
    rate: Floats

    def best(self, allowed: Floats) -> int | None:
        """The candidate with the highest rate among those allowed [N, bool]; None without any."""
        if not np.any(allowed):
            return None
        return int(np.argmax(np.where(allowed, self.rate, -np.inf)))


def rank(candidates: Candidates) -> Ranking:
    """What each candidate is expected to add, and at what price."""
    answers = AnswerCounts(
        candidates.features[candidates.measured],
        candidates.correct,
        candidates.images,
        candidates.rising,
    )
    mean, sd = believe(answers, candidates.features, candidates.measured)
    cost = np.log10(candidates.joules)
    known = candidates.correct / candidates.images
    points = list(zip(known.tolist(), cost[candidates.measured].tolist(), strict=True))
    expected = mean.copy()
    expected[candidates.measured] = known
    stairs = Staircase.of(points, reference(expected, mean + HOPE * sd, cost))
    gain = stairs.expected_gain(cost, mean, sd)
    gain[candidates.measured] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(candidates.price > 0, gain / candidates.price, np.inf)
    return Ranking(mean=mean, sd=sd, gain=gain, rate=rate)


def reference(accuracy: Floats, hoped: Floats, cost: Floats) -> Point:
    """A point outside the front of what is believed, by a tenth of its extent.

    What may be worth its cost counts by what can be hoped of it, lest the reference shut it out.
    """
    front, hopeful = _members(accuracy, cost), _members(hoped, cost)
    low, high = float(accuracy[front].min()), float(accuracy[front].max())
    cheap, dear = float(cost[front].min()), float(cost[hopeful].max())
    return low - OUTSIDE * (high - low), dear + OUTSIDE * (dear - cheap)


def _members(accuracy: Floats, cost: Floats) -> Numbers:
    """Candidates of which none at no more cost is as accurate."""
    order = np.lexsort((-accuracy, cost))
    best = np.maximum.accumulate(accuracy[order])
    ahead = np.append(True, accuracy[order][1:] > best[:-1])
    return order[ahead]

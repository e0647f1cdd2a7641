"""Which candidate to measure next: the most expected front per joule that is not yet paid."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.domination import Point
from energy_sweep.front.doubt import members
from energy_sweep.search.acquisition.accuracy_model import AnswerCounts, believe, squares
from energy_sweep.search.acquisition.expected import Staircase
from energy_sweep.search.acquisition.telling import subsample

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

NEARBY = 0.3  # of an axis: how far away an infeasible candidate tells of another
USUAL, LIGHT = 0.95, 0.3  # share that runs where nothing is near, and of how many that is worth
HOPE = 1.0  # standard deviations above what is believed
UNLIKELY = 0.05  # probability to keep limits, below which the reference does not count it
OUTSIDE = 0.1  # of a front's extent, by which the reference lies outside of it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """N candidates: `features` [N, D], what each costs by the objective (`joules` [N]), and what it
    would take now (`price` [N], joules that the store does not hold).

    `measured` [M] are those with an answer: so many of so many images were right. `infeasible` [K]
    are those that ran and have none. `expected` [N] are logits before anything is measured, but
    for a constant: what is usual, or what an earlier study tells; all alike if none are given. Only
    what is more accurate than `least_accuracy` and costs less than `most_joules` is of worth, where
    these are given, and what keeps all other limits, which it does with the probability `kept` [N].
    `least_joules` [N] are what each may cost at the least, where its price is not known.
    """

    features: Floats
    joules: Floats
    price: Floats
    measured: Numbers
    correct: Floats
    images: Floats
    infeasible: Numbers | None = None
    expected: Floats | None = None
    least_accuracy: float | None = None
    most_joules: float | None = None
    kept: Floats | None = None
    least_joules: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What is believed of N candidates: `mean` and `sd` of accuracy, the expected `gain` in area of
    (accuracy, log10 joules), and gain per joule of the price (`rate`); each [N]."""

    mean: Floats
    sd: Floats
    gain: Floats
    rate: Floats

    def best(self, allowed: NDArray[np.bool_]) -> int | None:
        """The candidate with the highest rate among those `allowed` [N]; None without any."""
        if not np.any(allowed):
            return None
        return int(np.argmax(np.where(allowed, self.rate, -np.inf)))


def rank(candidates: Candidates) -> Ranking:
    """What each candidate is expected to add, and at what price."""
    measured, expected = candidates.measured, candidates.expected
    if expected is None:
        expected = np.zeros(len(candidates.features))
    answers = AnswerCounts(
        candidates.features[measured], candidates.correct, candidates.images, expected[measured]
    )
    cost = np.log10(candidates.joules)
    known = candidates.correct / candidates.images
    points = list(zip(known.tolist(), cost[measured].tolist(), strict=True))
    telling = np.array(subsample(points), dtype=np.intp)
    kept = np.ones(len(cost)) if candidates.kept is None else candidates.kept
    mean, sd = believe(answers, candidates.features, measured, expected, telling)
    likely = mean.copy()
    likely[measured] = known
    some = kept >= min(UNLIKELY, kept.max())
    floor, ceiling = reference(likely[some], (mean + HOPE * sd)[some], cost[some])
    if candidates.least_accuracy is not None:
        floor = candidates.least_accuracy
    if candidates.most_joules is not None:
        ceiling = float(np.log10(candidates.most_joules))
    inside = itertools.compress(points, kept[measured] > 0)
    gain = kept * Staircase.of(inside, (floor, ceiling)).expected_gain(cost, mean, sd)
    gain[measured] = 0.0
    if candidates.infeasible is not None and len(candidates.infeasible):
        gain = gain * feasible(candidates.features, measured, candidates.infeasible)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(candidates.price > 0, gain / candidates.price, np.inf)
    return Ranking(mean=mean, sd=sd, gain=gain, rate=rate)


def feasible(features: Floats, measured: Numbers, infeasible: Numbers) -> Floats:
    """Believed probability of each of N candidates to run to its end [N]; 0 of what did not.

    The share of those nearby that did, each by how near it is, and nearly one where none is.
    """
    ran, failed = (
        np.exp(-(squares(features, features[of]) / NEARBY**2) / 2).sum(axis=1)
        for of in (measured, infeasible)
    )
    found = (ran + USUAL * LIGHT) / (ran + failed + LIGHT)
    found[infeasible] = 0.0
    return found


def reference(accuracy: Floats, hoped: Floats, cost: Floats) -> Point:
    """A point outside the front of what is believed, by a tenth of its extent.

    What may be worth its cost counts by what can be hoped of it, lest the reference shut it out.
    """
    front, hopeful = members(np.array([accuracy, hoped]), np.array([cost, cost]))
    low, high = float(accuracy[front].min()), float(accuracy[front].max())
    cheap, dear = float(cost[front].min()), float(cost[hopeful].max())
    return low - OUTSIDE * (high - low), dear + OUTSIDE * (dear - cheap)

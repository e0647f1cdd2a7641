"""Optuna's functional ANOVA of random forests: which axis matters where a grid has holes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Share = tuple[float, float, float]

TREES = 24
RESAMPLES = 5  # of the points, with a forest each: how far apart they are is the interval
MOST_POINTS = 1000  # that a forest learns from
WIDE = 2.776  # Student's t of five resamples at 95 %


def forest_shares(
    places: Places, words: Sequence[bool], targets: Floats, *, seed: int = 0
) -> list[list[Share]]:
    """The share of the variance of each target [T, N] that each axis explains, with an interval.

    `places` [N, K] are where a point lies among the values of an axis, from 0 on. Of axes that are
    `words` that is a name, of others an order. Of more than `MOST_POINTS` a part is used.
    """
    generator = np.random.default_rng(seed)
    few = min(len(places), MOST_POINTS)
    runs: list[list[list[float]]] = []
    for _ in range(RESAMPLES):
        chosen = generator.choice(len(places), size=few)
        runs.append([_shares(places[chosen], words, target[chosen], seed) for target in targets])
    found = np.array(runs)  # [R, T, K]
    mean, error = found.mean(axis=0), WIDE * found.std(axis=0, ddof=1)
    low, high = np.maximum(mean - error, 0.0), np.minimum(mean + error, 1.0)
    return [
        list(zip(*lines, strict=True))
        for lines in zip(mean.tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def _shares(places: Places, words: Sequence[bool], target: Floats, seed: int) -> list[float]:
    """What each axis explains of one target, in a forest over some points."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if not target.var():
        return [0.0] * len(words)
    names = [str(axis) for axis in range(len(words))]
    axes = dict(zip(names, map(_distribution, places.T, words), strict=True))
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(names, map(_inside, point, words), strict=True)),
                distributions=axes,
                value=value,
            )
            for point, value in zip(places.tolist(), target.tolist(), strict=True)
        ]
    )
    found = FanovaImportanceEvaluator(n_trees=TREES, seed=seed).evaluate(study)
    return [float(found.get(name, 0.0)) for name in names]


def _inside(place: int, is_word: bool) -> float:
    """A value of its distribution: in the middle of its cell, where it is no word."""
    return place if is_word else place + 0.5


def _distribution(places: Places, is_word: bool) -> BaseDistribution:
    """A cell of equal width for every value, so that all weigh the same."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if is_word:
        return CategoricalDistribution(sorted(set(places.tolist())))
    return FloatDistribution(0.0, float(places.max()) + 1.0)

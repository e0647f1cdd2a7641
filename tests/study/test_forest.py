from __future__ import annotations

import itertools

import numpy as np
import pytest

from energy_sweep.front.importance import main_effects
from energy_sweep.study.forest import forest_shares


def holed(keep: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid of three axes, a target of known shares, and which part of it was run."""
    points = np.array(list(itertools.product(range(6), range(5), range(8))))
    terms = [np.array([0.0, 3.0, 1.0, 4.0, 2.0, 5.0]), np.linspace(0, 2, 5), np.zeros(8)]
    target = sum(term[column] for term, column in zip(terms, points.T, strict=True))
    ran = np.random.default_rng(1).random(len(points)) < keep
    return points, np.array([target]), ran


def test_a_forest_over_a_part_tells_what_the_whole_grid_says() -> None:
    points, targets, ran = holed(0.6)
    [exact] = main_effects(points, targets)
    [found] = forest_shares(points[ran], [True, False, False], targets[:, ran])
    for (share, low, high), truth in zip(found, exact, strict=True):
        assert low <= share <= high
        assert share == pytest.approx(truth, abs=0.06)
    assert found[0][0] > found[1][0] > found[2][0]


def test_the_same_is_said_twice() -> None:
    points, targets, ran = holed(0.4)
    first, second = (forest_shares(points[ran], [False] * 3, targets[:, ran]) for _ in range(2))
    assert first == second

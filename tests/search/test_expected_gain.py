"""Expected growth of a front, against sampled accuracies and the area before and after."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front.domination import hypervolume
from energy_sweep.search.acquisition.expected import Staircase

REFERENCE = (0.2, 3.0)
POINTS = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(-1.0, 4.0)), max_size=12)


@given(POINTS, st.floats(-1.0, 4.0), st.floats(0.0, 1.0))
def test_what_is_certain_adds_what_the_area_grows_by(
    points: list[tuple[float, float]], cost: float, accuracy: float
) -> None:
    stairs = Staircase.of(points, REFERENCE)
    found = stairs.expected_gain(np.array([cost]), np.array([accuracy]), np.array([0.0]))
    grown = hypervolume([*points, (accuracy, cost)], REFERENCE) - hypervolume(points, REFERENCE)
    np.testing.assert_allclose(found, [grown], atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(POINTS, st.floats(-1.0, 2.9), st.floats(0.0, 1.0), st.floats(0.001, 0.3))
def test_what_is_uncertain_adds_the_mean_over_what_may_be(
    points: list[tuple[float, float]], cost: float, mean: float, sd: float
) -> None:
    stairs = Staircase.of(points, REFERENCE)
    found = stairs.expected_gain(np.array([cost]), np.array([mean]), np.array([sd]))
    drawn = np.minimum(1.0, mean + sd * np.random.default_rng(0).standard_normal(20_000))
    costs = np.full(len(drawn), cost)
    sampled = stairs.expected_gain(costs, drawn, np.zeros(len(drawn)))
    margin = 5 * sampled.std() / np.sqrt(len(drawn)) + 1e-4 * sd
    assert abs(found[0] - sampled.mean()) <= margin

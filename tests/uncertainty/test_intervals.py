from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.uncertainty.intervals import mean_interval, newcombe, t_quantile, wilson


@pytest.mark.parametrize(
    ("correct", "n", "confidence", "low", "high"),
    [
        (10, 20, 0.95, 0.2993, 0.7007),
        (0, 10, 0.95, 0.0, 0.2775),
        (10, 10, 0.95, 0.7225, 1.0),
        (81, 263, 0.95, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.95, 0.0624, 0.1605),
        (1, 29, 0.95, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_intervals(
    correct: int, n: int, confidence: float, low: float, high: float
) -> None:
    assert wilson(correct, n, confidence) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_bounds_are_where_the_normal_test_just_rejects(case: tuple[int, int]) -> None:
    correct, n = case
    share, interval = correct / n, wilson(correct, n)
    assert 0 <= interval.low <= share <= interval.high <= 1
    for bound in interval:
        if 0 < bound < 1:
            error = math.sqrt(bound * (1 - bound) / n)
            assert abs(share - bound) / error == pytest.approx(1.959964, rel=1e-4)
    mirrored = wilson(n - correct, n)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(interval)


@pytest.mark.parametrize(
    ("degrees", "probability", "expected"),
    [
        (1, 0.975, 12.706),
        (2, 0.975, 4.303),
        (4, 0.95, 2.132),
        (5, 0.995, 4.032),
        (10, 0.9, 1.372),
        (29, 0.975, 2.045),
        (120, 0.975, 1.980),
        (1_000_000, 0.975, 1.960),
        (3, 0.5, 0.0),
        (7, 0.025, -2.365),
    ],
)
def test_t_quantile_agrees_with_the_tables(
    degrees: float, probability: float, expected: float
) -> None:
    assert t_quantile(degrees, probability) == pytest.approx(expected, abs=1e-3)


@given(st.floats(0.001, 0.999))
def test_t_quantile_has_its_closed_forms_at_one_and_two_degrees(probability: float) -> None:
    cauchy = math.tan(math.pi * (probability - 0.5))
    two = (2 * probability - 1) / math.sqrt(2 * probability * (1 - probability))
    assert t_quantile(1, probability) == pytest.approx(cauchy, rel=1e-6, abs=1e-6)
    assert t_quantile(2, probability) == pytest.approx(two, rel=1e-6, abs=1e-6)


def test_mean_interval_of_a_known_sample() -> None:
    mean, interval = mean_interval([9.0, 10.0, 11.0, 12.0, 13.0])
    half = 2.7764 * math.sqrt(2.5 / 5)
    assert mean == 11.0
    assert interval == pytest.approx((11 - half, 11 + half), abs=1e-3)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_no_interval_without_spread(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(values)


def test_nonsense_is_refused() -> None:
    for correct, n in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="proportion"):
            wilson(correct, n)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence=95)
    for degrees, probability in ((0, 0.5), (3, 0.0), (3, 1.0)):
        with pytest.raises(ValueError, match="quantile"):
            t_quantile(degrees, probability)


def test_a_difference_of_proportions_is_newcombes() -> None:
    # Newcombe 1998, table II: 56 of 70 less 48 of 80, and the extremes 10 of 10 less 0 of 20.
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert newcombe(10, 10, 0, 20) == pytest.approx((0.6791, 1.0), abs=1e-4)
    low, high = newcombe(48, 80, 56, 70)
    assert (-high, -low) == pytest.approx(newcombe(56, 70, 48, 80))

"""Two nets on the same images, and seeds of one: laws of the tests and intervals."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from energy_sweep.uncertainty.paired import (
    mcnemar,
    seeds_difference,
    spread_of,
    spread_of_counts,
    tango,
)

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60))
BITS = st.integers(0, 2**32 - 1)


def bits(seed: int, seeds: int, images: int = 200, share: float = 0.9) -> npt.NDArray[np.uint8]:
    found = np.random.default_rng(seed).random((seeds, images)) < share
    return found.astype(np.uint8)


@given(COUNTS)
def test_mcnemar_is_the_exact_binomial_test_and_takes_no_side(counts: tuple[int, int]) -> None:
    gained, lost = counts
    p_value = float(mcnemar(gained, lost))
    if gained + lost:
        assert p_value == pytest.approx(binomtest(gained, gained + lost).pvalue, rel=1e-9)
    else:
        assert p_value == 1.0
    assert float(mcnemar(lost, gained)) == p_value


def test_many_pairs_are_tested_at_once() -> None:
    assert mcnemar([[5], [0]], [0, 9]) == pytest.approx(
        np.array([[0.0625, 0.4239502], [1.0, 2 / 2**9]])
    )


@given(COUNTS, st.integers(120, 5000))
def test_tangos_interval_holds_the_difference_and_takes_no_side(
    counts: tuple[int, int], n: int
) -> None:
    gained, lost = counts
    low, high = tango(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)


@given(COUNTS.filter(any), st.integers(120, 5000))
def test_tangos_bounds_are_where_the_score_test_just_rejects(
    counts: tuple[int, int], n: int
) -> None:
    gained, lost = counts
    for bound in tango(gained, lost, n):
        # The likelihood of (gained, lost) under that difference is largest at this share of lost.
        a, b = 2 * n, (2 * n - gained + lost) * bound - gained - lost
        root = max(0.0, b * b - 4 * a * (-lost * bound * (1 - bound)))
        only = (math.sqrt(root) - b) / (2 * a)
        variance = n * (2 * only + bound * (1 - bound))
        score = (gained - lost - n * bound) / math.sqrt(variance)
        assert abs(score) == pytest.approx(1.959964, rel=1e-3)


def test_more_answers_than_images_are_refused() -> None:
    for gained, lost, n in ((3, 2, 4), (-1, 2, 4), (0, 0, 0)):
        with pytest.raises(ValueError, match="no answers"):
            tango(gained, lost, n)


@given(BITS, st.integers(2, 6))
def test_a_configuration_does_not_differ_from_itself(seed: int, seeds: int) -> None:
    spread = spread_of(bits(seed, seeds))
    interval, p_value = seeds_difference(spread, spread, squares=0.0, n=200)
    assert interval.low < 0 < interval.high and p_value == pytest.approx(1.0)
    assert interval.low == pytest.approx(-interval.high)


@given(BITS, st.integers(1, 4), st.integers(1, 4))
def test_a_difference_takes_no_side_and_is_sure_where_its_interval_excludes_0(
    seed: int, seeds: int, others: int
) -> None:
    first, second = bits(seed, seeds, share=0.95), bits(seed + 1, others, share=0.85)
    squares = float(((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum())
    spreads = spread_of(first), spread_of(second)
    (low, high), p_value = seeds_difference(*spreads, squares=squares, n=200)
    turned, same = seeds_difference(*reversed(spreads), squares=squares, n=200)
    assert turned == pytest.approx((-high, -low)) and same == pytest.approx(p_value)
    assert (p_value < 0.05) == (low > 0 or high < 0)


@given(BITS, st.integers(2, 6))
def test_what_seeds_differ_in_widens_an_interval(seed: int, seeds: int) -> None:
    right = bits(seed, seeds)
    spread = spread_of(right)
    each = right.mean(axis=1)
    half = t.ppf(0.975, seeds - 1) * each.std(ddof=1) / math.sqrt(seeds)
    assert spread.seeds_half() == pytest.approx(half, rel=1e-6)
    low, high = spread.interval(200)
    assert 0 <= low <= spread.mean <= high <= 1
    assert spread.mean - low >= min(spread.mean, half) - 1e-12
    counts = spread_of_counts(right.sum(axis=1), 200)
    assert counts.mean == pytest.approx(spread.mean)
    wider = counts.interval(200)
    assert wider.low <= low + 1e-12 and wider.high >= high - 1e-12

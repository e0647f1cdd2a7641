"""A slice of `benchmarks/coverage.py`: intervals hold the truth as often as they say."""

from __future__ import annotations

import pytest

from benchmarks.coverage import CALLED_DIFFERENT, COVERAGE, share

pytestmark = pytest.mark.no_cover
REPEATS = 200


@pytest.mark.parametrize("name", COVERAGE)
def test_an_interval_holds_the_truth(name: str) -> None:
    # Of 200 at 95 %, fewer than 90 % hold it once in 300 times; the seed is fixed.
    assert share(COVERAGE[name], REPEATS, seed=1) >= 0.90


@pytest.mark.parametrize("name", CALLED_DIFFERENT)
def test_equal_nets_are_seldom_called_different(name: str) -> None:
    assert share(CALLED_DIFFERENT[name], REPEATS, seed=1) <= 0.09

"""What seeds vary by is judged beside other configurations, and is right in the mean."""

from __future__ import annotations

import numpy as np
import pytest

from energy_sweep.uncertainty.between_seeds import PRIOR_DEGREES, seed_variances
from energy_sweep.uncertainty.paired import SeedSpread, spread_of_counts

IMAGES = 1000


def test_nothing_is_known_of_seeds_that_nobody_repeated() -> None:
    found = seed_variances([spread_of_counts([900], IMAGES)] * 3, [IMAGES] * 3)
    assert [one.variance for one in found] == [0.0] * 3


def test_one_alone_keeps_its_own_variance() -> None:
    spread = spread_of_counts([900, 910, 905], IMAGES)
    [found] = seed_variances([spread], [IMAGES])
    assert found.variance == pytest.approx(spread.seeds_variance)
    assert found.degrees == 2


def test_a_single_seed_is_as_unsure_as_those_of_others_say() -> None:
    repeated = [spread_of_counts([900, 940], IMAGES)] * 4
    found = seed_variances([spread_of_counts([920], IMAGES), *repeated], [IMAGES] * 5)
    assert found[0].variance == pytest.approx(0.02**2 * 2)
    assert found[0].degrees == PRIOR_DEGREES
    assert found[0].variance > found[1].variance
    both = SeedSpread(mean=0.92, seeds=2, variance=0.07, own=0.8, seeds_variance=0.0004)
    [less, _] = seed_variances([spread_of_counts([920], IMAGES), both], [IMAGES] * 2)
    assert less.variance == 0.0  # one image alone would make seeds differ by as much


def test_intervals_of_two_seeds_hold_the_truth_19_times_of_20() -> None:
    random = np.random.default_rng(0)
    hits = []
    for _ in range(300):
        counts = 900 + random.normal(0, 10, size=(6, 2))
        spreads = [spread_of_counts(pair, IMAGES) for pair in counts]
        for spread, found in zip(spreads, seed_variances(spreads, [IMAGES] * 6), strict=True):
            drawn = random.standard_t(found.degrees, 400) * np.sqrt(found.variance)
            low, high = np.quantile(drawn + spread.mean, (0.025, 0.975))
            hits.append(low <= 0.9 <= high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)

"""Tests, effect sizes, power and attainment, against SciPy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from energy_sweep.uncertainty.attainment import attainment_front
from energy_sweep.uncertainty.contrasts import (
    looks_normal,
    non_inferiority,
    paired_contrast,
    unpaired_contrast,
)
from energy_sweep.uncertainty.effect_sizes import cliffs_delta, cohens_d, holm
from energy_sweep.uncertainty.power import power_of, repeats_needed

# Student's own example (1908): hours of sleep gained by two drugs, t = 4.0621, p = .002833.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
DRUGS = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
NORMAL = np.random.default_rng(5).normal(0.4, 1, 20)


def test_pairs_that_look_normal_are_students() -> None:
    found = paired_contrast(NORMAL.tolist())
    there = stats.ttest_1samp(NORMAL, 0.0)
    ends = there.confidence_interval(0.95)
    assert found.test == "paired t"
    assert found.p_value == pytest.approx(there.pvalue)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.size == pytest.approx(NORMAL.mean() / NORMAL.std(ddof=1))


def test_the_sleep_of_student_is_ranked_since_one_patient_is_far_off() -> None:
    assert stats.ttest_1samp(SLEEP, 0).pvalue == pytest.approx(0.002833, abs=1e-6)
    assert not looks_normal(SLEEP)
    found = paired_contrast(SLEEP)
    assert found.test == "Wilcoxon"
    assert found.p_value == pytest.approx(stats.wilcoxon(SLEEP).pvalue)
    means = [(one + other) / 2 for i, one in enumerate(SLEEP) for other in SLEEP[i:]]
    assert found.change == pytest.approx(np.median(means))
    assert 0.8 < found.low < found.change < found.high < 2.8


def test_groups_apart_are_welchs_or_mann_and_whitneys() -> None:
    found = unpaired_contrast(DRUGS[1], DRUGS[0])
    there = stats.ttest_ind(DRUGS[1], DRUGS[0], equal_var=False)
    ends = there.confidence_interval(0.95)
    assert (found.test, found.n, found.n_other) == ("Welch", 10, 10)
    assert found.p_value == pytest.approx(0.07939, abs=1e-5)  # as published with the data
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    skewed = np.random.default_rng(1).exponential(1, (2, 30)) ** 2 * [[1], [4]]
    ranked = unpaired_contrast(skewed[1].tolist(), skewed[0].tolist())
    assert ranked.test == "Mann-Whitney"
    assert ranked.p_value == pytest.approx(stats.mannwhitneyu(skewed[1], skewed[0]).pvalue)
    assert ranked.low < ranked.change < ranked.high


def test_what_all_pairs_share_is_not_averaged_away() -> None:
    alone, shared = (paired_contrast(NORMAL.tolist(), common=c) for c in (0.0, 0.25))
    assert shared.error == pytest.approx(np.hypot(alone.error, 0.5))
    assert shared.high - shared.low > alone.high - alone.low
    assert shared.p_value > alone.p_value
    once = paired_contrast([0.3], common=0.01)
    assert (once.test, once.high - once.change) == ("meter", pytest.approx(0.196, abs=1e-3))


def test_effect_sizes_are_those_of_their_definitions() -> None:
    assert cohens_d([2.0, 4.0], [1.0, 3.0]) == pytest.approx(1 / np.sqrt(2))
    assert cohens_d([1.0, 1.0], [1.0, 1.0]) is None
    assert cliffs_delta([2, 3], [1, 2]) == pytest.approx((3 - 0) / 4)


def test_holm_is_that_of_the_books() -> None:
    # Holm (1979) step down: 4 x .005, 3 x .01, 2 x .03, and never less than before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_non_inferiority_is_one_sided_at_the_margin() -> None:
    found = paired_contrast(NORMAL.tolist())
    there = stats.ttest_1samp(NORMAL, -0.1, alternative="greater")
    assert non_inferiority(found, 0.1) == pytest.approx(there.pvalue)
    assert (non_inferiority(found, -found.low) < 0.0250001) and non_inferiority(found, 0) > 0


def test_power_is_that_of_the_tables() -> None:
    # Cohen (1988) and G*Power: d = .5, two-sided .05, power .9 takes 44 pairs; d = .8, 19.
    assert (repeats_needed(0.5, 1.0), repeats_needed(0.8, 1.0)) == (44, 19)
    assert power_of(44, 0.5, 1.0) >= 0.9 > power_of(43, 0.5, 1.0)
    assert repeats_needed(0.0, 1.0) is None
    assert repeats_needed(0.1, 0.01, common=0.1**2) is None


def test_a_front_is_attained_by_a_share_of_the_seeds() -> None:
    fronts = [[(0.9, 10.0), (0.95, 30.0)], [(0.9, 12.0)], [(0.91, 20.0), (0.96, 25.0)]]
    assert attainment_front(fronts, 1 / 3) == [(0.9, 10.0), (0.91, 20.0), (0.96, 25.0)]
    assert attainment_front(fronts, 0.5) == [(0.9, 12.0), (0.95, 30.0)]
    assert attainment_front(fronts, 1.0) == [(0.9, 20.0)]
    assert attainment_front([]) == []
    with pytest.raises(ValueError, match="share"):
        attainment_front(fronts, 0.0)

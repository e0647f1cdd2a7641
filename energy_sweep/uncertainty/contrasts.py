"""Two groups of repeats: by how much they differ, how surely, and by which test that was asked.

Which test it is hangs on whether the values look normal (Shapiro and Wilk, 1965): Student's paired
t or Wilcoxon's signed ranks for pairs, Welch's t or Mann and Whitney's U for groups apart. Ranks of
few values cannot reject whatever they are, so below `LEAST_RANKED` it is always t.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.uncertainty.effect_sizes import cliffs_delta, cohens_d
from energy_sweep.uncertainty.errors import Errors
from energy_sweep.uncertainty.intervals import Interval, normal_quantile
from energy_sweep.uncertainty.ranks import pseudo_median, shift

Numbers = NDArray[np.float64]

LEAST_RANKED = 6  # signed ranks of 5 pairs that all agree have p = .0625
NOT_NORMAL = 0.05
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A difference, first minus second, with its interval, and how surely it is not 0.

    `error` is its standard error, None where one value each shows none. `size` is a standardised
    effect, by the name `size_name`; None where nothing varies. `spread` is the standard deviation
    of one pair, or of one value where groups are apart, `errors` what `error` is made of.
    """

    change: float
    low: float
    high: float
    p_value: float
    test: str
    size: float | None
    size_name: str
    n: int
    n_other: int | None = None
    spread: float
    error: float
    errors: Errors


def looks_normal(values: Sequence[float]) -> bool:
    """Whether Shapiro and Wilk's test does not reject a normal distribution at 5 %.

    Fewer than 3 values, or equal ones, say nothing against it.
    """
    found = np.asarray(values, np.float64)
    if len(found) < 3 or float(np.ptp(found)) <= ROUNDING * max(1.0, float(np.abs(found).max())):
        return True
    return float(_stats().shapiro(found).pvalue) >= NOT_NORMAL


def paired_contrast(
    differences: Sequence[float], *, common: float = 0.0, confidence: float = 0.95
) -> Contrast:
    """The mean (by ranks: the pseudo-median) of paired differences, at least 1.

    `common` is a variance that all pairs share, as of a price in each, and more pairs do not
    average away: it widens the interval and weakens the test. One pair has that alone.
    """
    values = np.asarray(differences, np.float64)
    n, mean = len(values), float(values.mean())
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    if spread <= ROUNDING * max(1.0, abs(mean)):
        spread = 0.0
    effect = mean / spread if spread else None
    if n >= LEAST_RANKED and spread and not looks_normal(differences):
        return _signed_ranks(values, common, confidence, spread=spread)
    within = spread**2 / n
    total = within + common
    sides = Errors(within, n - 1, common)
    p_value, half = sides.p_value(mean), sides.half(confidence)
    test = "paired t" if spread else ("meter" if common else "equal pairs")
    return Contrast(
        change=mean,
        low=mean - half,
        high=mean + half,
        p_value=p_value,
        test=test,
        size=effect,
        size_name="Cohen's d",
        n=n,
        spread=spread,
        error=math.sqrt(total),
        errors=sides,
    )


def unpaired_contrast(
    first: Sequence[float],
    second: Sequence[float],
    *,
    common: float = 0.0,
    confidence: float = 0.95,
) -> Contrast:
    """The first mean minus the second (by ranks: Hodges and Lehmann's shift) of groups apart.

    At least 2 values each; `common` is as in `paired_contrast`.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if min(len(one), len(two)) < 2:
        raise ValueError("one value shows no spread: at least 2 of each are needed")
    parts = [float(group.var(ddof=1)) / len(group) for group in (one, two)]
    freedom = [len(one) - 1, len(two) - 1]
    within = math.fsum(parts)
    total = within + common
    squares = math.fsum(part**2 / free for part, free in zip(parts, freedom, strict=True))
    sides = Errors(within, within**2 / squares if squares else 1.0, common)
    change = float(one.mean() - two.mean())
    p_value, half = sides.p_value(change), sides.half(confidence)
    test, size, name = "Welch", cohens_d(first, second), "Cohen's d"
    low, high = change - half, change + half
    ranked = min(len(one), len(two)) >= LEAST_RANKED
    if ranked and not (looks_normal(first) and looks_normal(second)):
        test, size, name = "Mann-Whitney", cliffs_delta(first, second), "Cliff's delta"
        change, (low, high) = shift(one, two, confidence)
        low, high = _widened(change, Interval(low, high), common, confidence)
        found = _stats().mannwhitneyu(one, two, alternative="two-sided")
        p_value = max(float(found.pvalue), _normal_p(change, common))
    return Contrast(
        change=change,
        low=low,
        high=high,
        p_value=p_value,
        test=test,
        size=size,
        size_name=name,
        n=len(one),
        n_other=len(two),
        spread=math.sqrt((float(one.var(ddof=1)) + float(two.var(ddof=1))) / 2),
        error=math.sqrt(total),
        errors=sides,
    )


def non_inferiority(contrast: Contrast, margin: float) -> float:
    """One-sided p value that the first is worse than the second by `margin` or more.

    Of a figure that is better the larger it is; below .025 the 95 % interval lies above -margin.
    """
    return contrast.errors.beyond(contrast.change + margin) / 2


def _signed_ranks(values: Numbers, common: float, confidence: float, *, spread: float) -> Contrast:
    found = _stats().wilcoxon(values)
    change, interval = pseudo_median(values, confidence)
    low, high = _widened(change, interval, common, confidence)
    n = len(values)
    return Contrast(
        change=change,
        low=low,
        high=high,
        p_value=max(float(found.pvalue), _normal_p(change, common)),
        test="Wilcoxon",
        size=float(np.sign(values).mean()),
        size_name="Cliff's delta",
        n=n,
        spread=spread,
        error=math.sqrt(spread**2 / n + common),
        errors=Errors(spread**2 / n, n - 1, common),
    )


def _widened(change: float, interval: Interval, common: float, confidence: float) -> Interval:
    more = normal_quantile((1 + confidence) / 2) * math.sqrt(common)
    low, high = math.hypot(change - interval.low, more), math.hypot(interval.high - change, more)
    return Interval(change - low, change + high)


def _normal_p(change: float, variance: float) -> float:
    return math.erfc(abs(change) / math.sqrt(2 * variance)) if variance else 0.0


def _stats() -> Any:
    """SciPy's, which takes longer to import than `--help` may wait."""
    return importlib.import_module("scipy.stats")

"""Centres and shifts by ranks, with the intervals of the tests that belong to them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from energy_sweep.uncertainty.intervals import Interval, normal_quantile

Numbers = NDArray[np.float64]


def pseudo_median(values: Numbers, confidence: float) -> tuple[float, Interval]:
    """Hodges and Lehmann's estimate of a centre, with the interval of signed ranks."""
    rows, columns = np.triu_indices(len(values))
    means = np.sort((values[rows] + values[columns]) / 2)
    n = len(values)
    middle, error = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return float(np.median(means)), _ends(means, middle, error, confidence)


def shift(one: Numbers, two: Numbers, confidence: float) -> tuple[float, Interval]:
    """Hodges and Lehmann's estimate of a shift, with the interval of Mann and Whitney's U."""
    apart = np.sort(np.subtract.outer(one, two).ravel())
    n, m = len(one), len(two)
    middle, error = n * m / 2, math.sqrt(n * m * (n + m + 1) / 12)
    return float(np.median(apart)), _ends(apart, middle, error, confidence)


def _ends(ordered: Numbers, middle: float, error: float, confidence: float) -> Interval:
    """The order statistics that ranks leave open, by their normal approximation."""
    skipped = middle - normal_quantile((1 + confidence) / 2) * error
    first = max(0, math.floor(skipped))
    return Interval(float(ordered[first]), float(ordered[len(ordered) - 1 - first]))

"""What a machine's drift does to prices: a model of all marks of a study at once.

    log(joules per unit of mark i) = pool of i + drift(time of i) + noise

The drift is one for all pools, since it is the machine that costs more at a moment, whatever runs:
a stationary process whose size and time scale are the likeliest of a grid (restricted maximum
likelihood). Work that was measured at other moments then becomes comparable, and how well is the
covariance of the pools.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_BINS = 200
LEAST_BIN_SECONDS = 1.0
SCALES_SECONDS = (5.0, 20.0, 80.0, 320.0, 1280.0)
# Drift over the noise of one mark, as variances.
RATIOS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# Beyond so many standard deviations, a mark counts less the farther it is off (Huber).
ROBUST = 2.0
ROBUST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class TimedMarks:
    """Marks as columns of equal length: which pool, when (mid, seconds), log of joules per unit."""

    pool: NDArray[np.intp]
    time: Array
    log_price: Array

    def __len__(self) -> int:
        return len(self.pool)


@dataclass(frozen=True, slots=True)
class DriftFit:
    """What the machine's drift added to each mark, and what is left uncertain of each pool.

    `drift` [marks] is a logarithm; `covariance` [pools, pools] that of the pools' logarithms;
    `noise` is the standard deviation of one mark, `size` that of the drift, `scale_seconds` how
    long it lasts.
    """

    drift: Array
    covariance: Array
    noise: float
    size: float
    scale_seconds: float


def fit_drift(marks: TimedMarks, pools: int) -> DriftFit:
    """The likeliest drift of marks of several pools, those far off counting less."""
    bins, centres = _bins(marks.time)
    weights = np.ones(len(marks))
    found = _likeliest(marks, pools, bins, centres, weights)
    for _ in range(ROBUST_ROUNDS):
        off = np.abs(found.residuals) / max(found.noise, 1e-12)
        weights = np.minimum(1.0, ROBUST / np.maximum(off, 1e-12))
        found = _solve(marks, pools, bins, centres, weights, found.ratio, found.scale)
    return DriftFit(
        drift=found.drift[bins],
        covariance=found.covariance,
        noise=found.noise,
        size=found.noise * math.sqrt(found.ratio),
        scale_seconds=found.scale,
    )


@dataclass(frozen=True, slots=True)
class _Solution:
    drift: Array
    residuals: Array
    covariance: Array
    noise: float
    ratio: float
    scale: float
    likelihood: float


def _likeliest(
    marks: TimedMarks, pools: int, bins: NDArray[np.intp], centres: Array, weights: Array
) -> _Solution:
    tried = [(0.0, SCALES_SECONDS[0])]
    tried += [(ratio, scale) for ratio in RATIOS if ratio for scale in SCALES_SECONDS]
    solutions = (_solve(marks, pools, bins, centres, weights, *one) for one in tried)
    return max(solutions, key=lambda one: one.likelihood)


def _solve(
    marks: TimedMarks,
    pools: int,
    bins: NDArray[np.intp],
    centres: Array,
    weights: Array,
    ratio: float,
    scale: float,
) -> _Solution:
    """Generalized least squares for one size and time scale of the drift.

    Each mark belongs to one pool, so that the pools' block of the normal equations is diagonal,
    and eliminating it leaves a system of the bins alone.
    """
    count = len(centres)
    table = np.zeros((pools, count))
    np.add.at(table, (marks.pool, bins), weights)
    sums = np.zeros((pools, count))
    np.add.at(sums, (marks.pool, bins), weights * marks.log_price)
    per_pool = table.sum(axis=1)
    share = table / per_pool[:, None]
    means = sums.sum(axis=1) / per_pool
    drift, inverse, log_determinant = np.zeros(count), np.zeros((count, count)), 0.0
    if ratio:
        prior = ratio * np.exp(-np.abs(centres[:, None] - centres[None, :]) / scale)
        within = np.diag(table.sum(axis=0)) - table.T @ share
        # (prior^-1 + within)^-1, without the inverse of a prior that may be near singular
        system = np.eye(count) + prior @ within
        inverse = np.linalg.solve(system, prior)
        drift = inverse @ (sums.sum(axis=0) - table.T @ means)
        log_determinant = float(np.linalg.slogdet(system)[1])
    theta = means - share @ drift
    residuals = marks.log_price - theta[marks.pool] - drift[bins]
    centred = marks.log_price - means[marks.pool]
    # What the pools' means leave, less what the drift explains: the quadratic form of the marks.
    square = float(weights @ (residuals * centred))
    degrees = max(1, len(marks) - pools)
    variance = max(square / degrees, 1e-18)
    likelihood = -0.5 * (degrees * math.log(variance) + log_determinant)
    covariance = variance * (np.diag(1 / per_pool) + share @ inverse @ share.T)
    noise = math.sqrt(variance)
    return _Solution(drift, residuals, covariance, noise, ratio, scale, likelihood)


def _bins(times: Array) -> tuple[NDArray[np.intp], Array]:
    """The bin of each mark, and the middle of each bin that has one."""
    start, end = float(times.min()), float(times.max())
    width = max(LEAST_BIN_SECONDS, (end - start) / MOST_BINS)
    numbers = np.floor((times - start) / width).astype(np.intp)
    used, bins = np.unique(numbers, return_inverse=True)
    return bins.astype(np.intp), start + (used + 0.5) * width


def timed(pool: Sequence[int], time: Sequence[float], log_price: Sequence[float]) -> TimedMarks:
    """The same of plain lists."""
    return TimedMarks(np.asarray(pool, np.intp), np.asarray(time), np.asarray(log_price))

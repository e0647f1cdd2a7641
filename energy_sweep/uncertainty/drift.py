"""What a machine's drift does to prices: one model of all windows of a study.

    log(joules per unit of window i) = pool of i + drift(time of i) + noise of its pool

The drift is one for all pools, since it is the machine that costs more at a moment, whatever runs:
a stationary process whose size and time scale are the likeliest of a grid (restricted maximum
likelihood). Work that was measured at other moments then becomes comparable, and how well is the
covariance of the pools. Windows far off count less, by the square of how far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indexes = NDArray[np.intp]

MOST_BINS = 200
LEAST_BIN_SECONDS = 1.0
SCALES_SECONDS = (5.0, 20.0, 80.0, 320.0, 1280.0)
# Variance of the drift, as multiples of that of the noise.
RATIOS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# Beyond so many standard deviations, a window counts less the farther it is off.
ROBUST = 2.5
# Standard deviations of a normal distribution in its median absolute deviation.
NORMAL_MAD = 1.4826
# Its variance where all beyond ROBUST standard deviations is taken to be there.
CUT_VARIANCE = 0.978
ROUNDS = 4
# A pool's noise is drawn towards the usual one as if that had been seen in so many windows.
PRIOR_WINDOWS = 4


@dataclass(frozen=True, slots=True)
class TimedWindows:
    """Windows as columns of equal length; `marks` is how many independent ones each is worth.

    `pool` is an index from 0, `time` its middle in seconds, `log_price` the logarithm of its
    joules per unit. `usual_noise` is the standard deviation to assume of one mark where too few
    windows show it.
    """

    pool: Indexes
    time: Array
    log_price: Array
    marks: Array
    usual_noise: float


@dataclass(frozen=True, slots=True)
class DriftFit:
    """What the drift added to each window, what each window counts, what is unsure of each pool.

    `drift` [windows] is a logarithm, `counts` [windows] from 0 to 1; `covariance` [pools, pools]
    is that of the pools' logarithms, `noise` [pools] the standard deviation of one mark; `size` is
    the standard deviation of the drift, which lasts for some `scale_seconds`.
    """

    drift: Array
    counts: Array
    covariance: Array
    noise: Array
    size: float
    scale_seconds: float


def fit_drift(windows: TimedWindows, pools: int) -> DriftFit:
    """The likeliest drift of windows of several pools, of which each has one at least."""
    equations = _Equations.of(windows, pools)
    counts = np.ones(len(windows.pool))
    noise = np.full(pools, windows.usual_noise)
    found = equations.solve(counts, noise, 0.0, SCALES_SECONDS[0])
    for turn in range(ROUNDS):
        noise = _noise(windows, found, pools)
        off = np.abs(found.residuals) * np.sqrt(windows.marks) / noise[windows.pool]
        counts = np.minimum(1.0, (ROBUST / np.maximum(off, 1e-12)) ** 2)
        if turn < 2:
            found = equations.likeliest(counts, noise)
        else:
            found = equations.solve(counts, noise, found.ratio, found.scale)
    return DriftFit(
        drift=found.drift,
        counts=counts,
        covariance=found.covariance,
        noise=noise,
        size=math.sqrt(found.ratio) * found.typical_noise,
        scale_seconds=found.scale,
    )


def _noise(windows: TimedWindows, found: _Estimate, pools: int) -> Array:
    """The noise of one mark of each pool, but for what is far off, drawn towards that of most."""
    sizes = np.abs(found.residuals) * np.sqrt(windows.marks)
    most = np.array([np.median(sizes[windows.pool == pool]) for pool in range(pools)])
    bound = ROBUST * NORMAL_MAD * most
    squares = np.bincount(windows.pool, np.minimum(sizes, bound[windows.pool]) ** 2, pools)
    squares = squares / CUT_VARIANCE
    degrees = np.maximum(np.bincount(windows.pool, minlength=pools) - 1.0, 0.0)
    seen = degrees >= PRIOR_WINDOWS
    # What the drift took to be fitted, the windows of all pools have less to show.
    degrees = degrees * max(0.1, 1 - found.degrees / max(1.0, float(degrees.sum())))
    each = squares[seen] / degrees[seen]
    usual = float(np.median(each)) if seen.any() else windows.usual_noise**2
    return np.sqrt((squares + PRIOR_WINDOWS * usual) / (degrees + PRIOR_WINDOWS))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """`degrees` of freedom went into the drift."""

    drift: Array
    residuals: Array
    covariance: Array
    typical_noise: float
    ratio: float
    scale: float
    likelihood: float
    degrees: float


@dataclass(frozen=True, slots=True)
class _Equations:
    """Generalized least squares for a given size and time scale of the drift.

    Each window belongs to one pool, so that the pools' block of the normal equations is diagonal,
    and eliminating it leaves a system of the bins of time alone.
    """

    windows: TimedWindows
    pools: int
    bins: Indexes
    centres: Array

    @staticmethod
    def of(windows: TimedWindows, pools: int) -> _Equations:
        start, end = float(windows.time.min()), float(windows.time.max())
        width = max(LEAST_BIN_SECONDS, (end - start) / MOST_BINS)
        numbers = np.floor((windows.time - start) / width).astype(np.intp)
        used, bins = np.unique(numbers, return_inverse=True)
        centres: Array = np.asarray(start + (used + 0.5) * width, np.float64)
        return _Equations(windows, pools, bins.astype(np.intp), centres)

    def likeliest(self, counts: Array, noise: Array) -> _Estimate:
        tried = [(0.0, SCALES_SECONDS[0])]
        tried += [(ratio, scale) for ratio in RATIOS for scale in SCALES_SECONDS]
        solutions = (self.solve(counts, noise, *one) for one in tried)
        return max(solutions, key=lambda one: one.likelihood)

    def solve(self, counts: Array, noise: Array, ratio: float, scale: float) -> _Estimate:
        windows, bins = self.windows, self.bins
        typical = float(np.median(noise)) or 1e-9
        weights = counts * windows.marks * (typical / np.maximum(noise, 1e-9))[windows.pool] ** 2
        table = np.zeros((self.pools, len(self.centres)))
        np.add.at(table, (windows.pool, bins), weights)
        per_pool = table.sum(axis=1)
        share = table / per_pool[:, None]
        means = np.bincount(windows.pool, weights * windows.log_price, self.pools) / per_pool
        centred = windows.log_price - means[windows.pool]
        drift: Array = np.zeros(len(self.centres))
        covariance: Array = np.diag(1 / per_pool)
        log_determinant = used = 0.0
        if ratio:
            prior = ratio * np.exp(-np.abs(np.subtract.outer(self.centres, self.centres)) / scale)
            within = np.diag(table.sum(axis=0)) - table.T @ share
            # (prior^-1 + within)^-1 without the inverse of a prior that may be near singular.
            system = np.eye(len(self.centres)) + prior @ within
            inverse: Array = np.asarray(np.linalg.solve(system, prior), np.float64)
            drift = inverse @ np.bincount(bins, weights * centred, len(self.centres))
            covariance = covariance + share @ inverse @ share.T
            log_determinant = float(np.linalg.slogdet(system)[1])
            used = float(np.trace(inverse @ within))
        residuals = centred - drift[bins] + (share @ drift)[windows.pool]
        degrees = max(1, len(weights) - self.pools)
        square = max(float(weights @ (residuals * centred)) / degrees, 1e-18)
        return _Estimate(
            drift=drift[bins],
            residuals=residuals,
            covariance=typical**2 * covariance,
            typical_noise=typical,
            ratio=ratio,
            scale=scale,
            likelihood=-0.5 * (degrees * math.log(square) + log_determinant),
            degrees=used,
        )

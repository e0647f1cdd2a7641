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
# What computes joules may repeat them to the last digit: noise is no less than this.
LEAST_NOISE = 1e-9


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
    bins, centres = _bins(windows.time)
    counts = np.ones(len(windows.pool))
    noise = np.full(pools, max(windows.usual_noise, LEAST_NOISE))
    equations = _Equations.of(windows, bins, centres, counts, noise)
    found = equations.solve(0.0, SCALES_SECONDS[0])
    for turn in range(ROUNDS):
        noise = _noise(windows, found, pools)
        off = np.abs(found.residuals) * np.sqrt(windows.marks) / noise[windows.pool]
        counts = np.minimum(1.0, (ROBUST / np.maximum(off, 1e-12)) ** 2)
        equations = _Equations.of(windows, bins, centres, counts, noise)
        found = equations.likeliest() if turn < 2 else equations.solve(found.ratio, found.scale)
    return DriftFit(
        drift=found.drift[bins],
        counts=counts,
        covariance=equations.covariance(found),
        noise=noise,
        size=math.sqrt(found.ratio) * equations.typical_noise,
        scale_seconds=found.scale,
    )


def _bins(time: Array) -> tuple[Indexes, Array]:
    """The bin of each window, and the middle of each bin that has one."""
    start, end = float(time.min()), float(time.max())
    width = max(LEAST_BIN_SECONDS, (end - start) / MOST_BINS)
    used, bins = np.unique(np.floor((time - start) / width).astype(np.intp), return_inverse=True)
    centres: Array = np.asarray(start + (used + 0.5) * width, np.float64)
    return bins.astype(np.intp), centres


def _noise(windows: TimedWindows, estimate: _Estimate, pools: int) -> Array:
    """The noise of one mark of each pool, but for what is far off, drawn towards that of most."""
    sizes = np.abs(estimate.residuals) * np.sqrt(windows.marks)
    most = np.array([np.median(sizes[windows.pool == pool]) for pool in range(pools)])
    bound = ROBUST * NORMAL_MAD * most
    squares = np.bincount(windows.pool, np.minimum(sizes, bound[windows.pool]) ** 2, pools)
    squares = squares / CUT_VARIANCE
    degrees = np.maximum(np.bincount(windows.pool, minlength=pools) - 1.0, 0.0)
    seen = degrees >= PRIOR_WINDOWS
    # What the drift took to be fitted, the windows of all pools have less to show.
    degrees = degrees * max(0.1, 1 - estimate.degrees / max(1.0, float(degrees.sum())))
    each = squares[seen] / degrees[seen]
    usual = float(np.median(each)) if seen.any() else windows.usual_noise**2
    found = np.sqrt((squares + PRIOR_WINDOWS * usual) / (degrees + PRIOR_WINDOWS))
    return np.maximum(found, LEAST_NOISE)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """The drift [bins] of one size and time scale; `degrees` of freedom went into it.

    `inverse` [bins, bins] is what is left uncertain of it, over the noise; None without a drift.
    """

    drift: Array
    inverse: Array | None
    residuals: Array
    ratio: float
    scale: float
    likelihood: float
    degrees: float


@dataclass(frozen=True, slots=True)
class _Equations:
    """Generalized least squares for a given weight of each window.

    Each window belongs to one pool, so that the pools' block of the normal equations is diagonal,
    and eliminating it leaves a system of the bins of time alone. `share` [pools, bins] is how the
    weight of a pool lies in time, `centred` [windows] what each is off from the mean of its pool.
    """

    pool: Indexes
    bins: Indexes
    centres: Array
    weights: Array
    typical_noise: float
    per_pool: Array
    share: Array
    within: Array
    centred: Array

    @staticmethod
    def of(
        windows: TimedWindows, bins: Indexes, centres: Array, counts: Array, noise: Array
    ) -> _Equations:
        typical = float(np.median(noise))
        weights = counts * windows.marks * (typical / noise)[windows.pool] ** 2
        table = np.zeros((len(noise), len(centres)))
        np.add.at(table, (windows.pool, bins), weights)
        per_pool = table.sum(axis=1)
        share = table / per_pool[:, None]
        means = np.bincount(windows.pool, weights * windows.log_price, len(noise)) / per_pool
        return _Equations(
            pool=windows.pool,
            bins=bins,
            centres=centres,
            weights=weights,
            typical_noise=typical,
            per_pool=per_pool,
            share=share,
            within=np.diag(table.sum(axis=0)) - table.T @ share,
            centred=windows.log_price - means[windows.pool],
        )

    def likeliest(self) -> _Estimate:
        tried = [(0.0, SCALES_SECONDS[0])]
        tried += [(ratio, scale) for ratio in RATIOS for scale in SCALES_SECONDS]
        return max((self.solve(*one) for one in tried), key=lambda one: one.likelihood)

    def solve(self, ratio: float, scale: float) -> _Estimate:
        drift: Array = np.zeros(len(self.centres))
        inverse: Array | None = None
        log_determinant = used = 0.0
        if ratio:
            prior = ratio * np.exp(-np.abs(np.subtract.outer(self.centres, self.centres)) / scale)
            # (prior^-1 + within)^-1 without the inverse of a prior that may be near singular.
            system = np.eye(len(self.centres)) + prior @ self.within
            inverse = np.asarray(np.linalg.solve(system, prior), np.float64)
            pulls = np.bincount(self.bins, self.weights * self.centred, len(self.centres))
            drift = inverse @ pulls
            log_determinant = float(np.linalg.slogdet(system)[1])
            used = float(np.trace(inverse @ self.within))
        residuals = self.centred - drift[self.bins] + (self.share @ drift)[self.pool]
        degrees = max(1, len(self.weights) - len(self.per_pool))
        square = max(float(self.weights @ (residuals * self.centred)) / degrees, 1e-18)
        return _Estimate(
            drift=drift,
            inverse=inverse,
            residuals=residuals,
            ratio=ratio,
            scale=scale,
            likelihood=-0.5 * (degrees * math.log(square) + log_determinant),
            degrees=used,
        )

    def covariance(self, found: _Estimate) -> Array:
        """That of the pools' logarithms."""
        alone: Array = np.diag(1 / self.per_pool)
        drifted = 0.0 if found.inverse is None else self.share @ found.inverse @ self.share.T
        return self.typical_noise**2 * (alone + drifted)

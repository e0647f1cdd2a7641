"""How prices compare: without the drift of the machine, and how sure their ratios are.

A configuration is a scale times ratios. The scale, which is most of what joules differ by from one
run of the program to the next, is common to all prices of a study and cancels where two of its
configurations are compared. What is left is `covariance`: noise within this run, from the windows
themselves, and what belongs to the run and no number of windows averages away, `BETWEEN_RUNS` of
the noise of a mark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.pools import PoolWindow
from energy_sweep.uncertainty.drift import TimedWindows, fit_drift
from energy_sweep.uncertainty.intervals import normal_quantile

Array = NDArray[np.float64]

# What a price is off from the others of its run, over the standard deviation of one mark: measured
# as ISO 5725 in six sweeps over two hours, quiet and beside load (docs/certainty.md).
BETWEEN_RUNS = 0.5
Z95 = normal_quantile(0.975)


@dataclass(frozen=True, slots=True)
class Detrended:
    """`factors` take the drift, and windows far off, out of the mean price of each pool.

    `keys` are the pools in the order of `covariance` [pools, pools], which is that of logarithms
    in one run of the program, without what all pools have in common; `noise` is the usual standard
    deviation of one mark, `drift` that of the drift.
    """

    keys: tuple[str, ...]
    factors: Mapping[str, float]
    covariance: Array
    noise: float
    drift: float


def detrend(pools: Mapping[str, Sequence[PoolWindow]]) -> Detrended | None:
    """What drift did to pools whose windows are known in time; None where there are none."""
    timed = {key: windows for key, windows in pools.items() if windows}
    if not timed:
        return None
    keys = tuple(timed)
    rows = [(index, one) for index, key in enumerate(keys) for one in timed[key]]
    columns = TimedWindows(
        pool=np.array([index for index, _ in rows], np.intp),
        time=np.array([one.time for _, one in rows]),
        log_price=np.array([one.log_price for _, one in rows]),
        marks=np.array([one.marks for _, one in rows]),
        usual_noise=_usual_noise([one for _, one in rows]),
    )
    fit = fit_drift(columns, len(keys))
    noise = float(np.median(fit.noise))
    own = (BETWEEN_RUNS * noise) ** 2 * np.eye(len(keys))
    return Detrended(
        keys=keys,
        factors=_factors(keys, rows, fit.counts, fit.drift),
        covariance=_without_common(fit.covariance) + own,
        noise=noise,
        drift=fit.size,
    )


def _usual_noise(windows: Sequence[PoolWindow]) -> float:
    """The standard deviation of one mark by what the meter says of its readings."""
    return float(np.median([one.stated * math.sqrt(one.marks) / Z95 for one in windows]))


def _factors(
    keys: Sequence[str], rows: Sequence[tuple[int, PoolWindow]], counts: Array, drift: Array
) -> dict[str, float]:
    joules = np.array([one.joules for _, one in rows])
    units = np.array([one.units for _, one in rows])
    pool = np.array([index for index, _ in rows], np.intp)
    plain = np.bincount(pool, joules) / np.bincount(pool, units)
    steady = np.bincount(pool, counts * joules) / np.bincount(pool, counts * units)
    shift = np.bincount(pool, counts * joules * drift) / np.bincount(pool, counts * joules)
    # The spent joules of the study as a whole stay what they were.
    common = float(np.average(shift, weights=np.bincount(pool, joules)))
    found = steady / plain * np.exp(common - shift)
    return dict(zip(keys, map(float, found), strict=True))


def _without_common(covariance: Array) -> Array:
    """The covariance of what each pool is off from the mean of all."""
    rows = covariance.mean(axis=0)
    return covariance - rows[:, None] - rows[None, :] + rows.mean()

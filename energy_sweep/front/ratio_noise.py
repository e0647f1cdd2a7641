"""By how many joules demands, and differences of them, may be off beside the others of a study."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.detrending import Z95
from energy_sweep.front.prices import TWO_RUNS, Prices, Usage
from energy_sweep.front.ratios import Ratios


def noise_joules(ratios: Ratios) -> NDArray[np.float64]:
    """By what joules of each demand may be off in one run, but for what all prices share."""
    places = range(len(ratios.demands))
    return Z95 * np.sqrt(np.maximum(ratios.covariances(places, places), 0.0))


def difference_joules(wanted: Usage, prices: Prices) -> tuple[float, float]:
    """Joules of a difference of two demands, and by how much it may differ when measured again.

    The noise of its prices is that of their ratios, where the windows of the study show it, and
    what all prices have in common changes it in proportion. Unmeasured work raises KeyError.
    """
    joules, uncertainty = prices.joules(wanted)
    trend, parts = prices.trend, prices.parts(wanted)
    keys = {pool.beside or key for key, (pool, _) in zip(wanted, parts, strict=True)}
    if trend is None or not keys <= set(trend.keys):
        return joules, uncertainty
    ratios = Ratios([wanted], prices)
    common = math.fsum(units * pool.drift for pool, units in parts)
    return joules, math.hypot(TWO_RUNS * float(noise_joules(ratios)[0]), common)

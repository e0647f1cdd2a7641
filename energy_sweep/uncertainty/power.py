"""How many repeats it takes to decide, and how often that many would."""

from __future__ import annotations

import importlib
import math
from typing import Any

from energy_sweep.uncertainty.intervals import t_quantile

POWER = 0.9
MOST_REPEATS = 10_000


def power_of(n: int, effect: float, spread: float, *, common: float = 0.0) -> float:
    """How often a paired t test of `n` pairs at 5 % finds a mean difference `effect`.

    `spread` is the standard deviation of one pair, `common` a variance that all pairs share.
    """
    if n < 2:
        return 0.0
    error = math.sqrt(spread**2 / n + common)
    if not error:
        return float(effect != 0)
    shift, bound = abs(effect) / error, t_quantile(n - 1, 0.975)
    t: Any = importlib.import_module("scipy.stats").nct
    return float(t.sf(bound, n - 1, shift) + t.cdf(-bound, n - 1, shift))


def repeats_needed(
    effect: float, spread: float, *, common: float = 0.0, power: float = POWER
) -> int | None:
    """The fewest pairs by which `effect` is found as often as `power`; None where none are enough.

    What all pairs share is not averaged away, so that some effects stay below what a meter tells.
    """
    if not effect or power_of(MOST_REPEATS, effect, spread, common=common) < power:
        return None
    low, high = 1, 2
    while power_of(high, effect, spread, common=common) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(middle, effect, spread, common=common) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high

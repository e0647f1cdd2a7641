"""The error of a mean that has two parts: one seen in few repeats, and one known beforehand."""

from __future__ import annotations

import importlib
import math
from typing import Any, NamedTuple

from energy_sweep.uncertainty.intervals import normal_quantile, t_quantile

ROUNDING = 1e-12
LEAST_P = 1e-15


class Errors(NamedTuple):
    """Variances of a mean: `within`, seen with so many `degrees` of freedom, and `common`, known.

    Halves of their intervals are added in squares (Zou and Donner, 2008): Student's t for the one,
    normal for the other. Degrees of freedom of their sum (Welch and Satterthwaite) cover too little
    where few repeats happen to agree: 92 % of 95 for three of them (`benchmarks/effects.py`).
    """

    within: float
    degrees: float
    common: float

    def half(self, confidence: float) -> float:
        """Half of the interval of the mean."""
        probability = (1 + confidence) / 2
        seen = t_quantile(self.degrees, probability) * math.sqrt(self.within) if self.within else 0
        return math.hypot(seen, normal_quantile(probability) * math.sqrt(self.common))

    def p_value(self, change: float) -> float:
        """Two-sided, of no change: the doubt at which the interval just reaches 0."""
        if not self.within and not self.common:
            return 1.0 if abs(change) <= ROUNDING else 0.0
        if not self.within:
            return math.erfc(abs(change) / math.sqrt(2 * self.common))
        if not self.common:
            special: Any = importlib.import_module("scipy.special")
            return min(1.0, 2 * float(special.stdtr(self.degrees, -abs(change / self.within**0.5))))
        low, high = LEAST_P, 1.0
        for _ in range(50):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self.half(1 - middle) < abs(change) else (middle, high)
        return high

    def beyond(self, off: float) -> float:
        """Twice the one-sided p value that a mean that is `off` above a bound is not above it."""
        if not self.within and not self.common:
            return float(off <= 0)
        both = self.p_value(off)
        return both if off > 0 else 2 - both

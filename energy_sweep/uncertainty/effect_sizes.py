"""How large an effect is beside how values vary, and p values that hold together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def cohens_d(first: Sequence[float], second: Sequence[float]) -> float | None:
    """The difference of means over the pooled standard deviation; None where nothing varies."""
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    freedom = len(one) + len(two) - 2
    squares = float(one.var() * len(one) + two.var() * len(two))
    if freedom < 1 or squares <= 0:
        return None
    return float(one.mean() - two.mean()) / math.sqrt(squares / freedom)


def cliffs_delta(first: Sequence[float], second: Sequence[float]) -> float:
    """How much more often a value of the first is above one of the second than below, -1 to 1."""
    above = np.sign(np.subtract.outer(np.asarray(first), np.asarray(second)))
    return float(above.mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """P values of a family, each adjusted so that all hold together (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted

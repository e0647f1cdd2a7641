"""Accuracy and joules as one number to lower, for a sampler that knows of one objective only."""

from __future__ import annotations

import math
from collections.abc import Sequence

from energy_sweep.record import digest

GOLDEN = (math.sqrt(5) - 1) / 2
AUGMENTED = 0.05  # share of the sum that tells apart what the maximum calls equal (Knowles 2006)
ENDS = 0.1  # no weight is nearer to 0 or 1: one objective alone would end where the other is worst
WORST = 2.0  # of what has no result; what has one lies between 0 and 1.05

Outcomes = Sequence[tuple[float | None, float | None]]


def scalars(outcomes: Outcomes, parts: Sequence[range], *, seed: int) -> list[float]:
    """Augmented Chebyshev values of (accuracy, joules) by generation, with a weight for each.

    What is lost from the best accuracy and the lowest log joules, as shares of their ranges among
    what was known by then, is weighted, and the larger one counts. The weights go evenly through
    all trades, in an order that the seed begins, so that generations lie along the front.
    """
    found = list[float]()
    begin = int(digest([seed, "weights"])[:8], 16) / 2**32
    for generation, part in enumerate(parts):
        weight = ENDS + (1 - 2 * ENDS) * ((begin + generation * GOLDEN) % 1)
        known = [one for one in outcomes[: part.stop] if None not in one]
        found += [_scalar(outcomes[index], known, weight) for index in part]
    return found


def _scalar(outcome: tuple[float | None, float | None], known: Outcomes, weight: float) -> float:
    accuracy, joules = outcome
    if accuracy is None or joules is None:
        return WORST
    accuracies = [one for one, _ in known if one is not None]
    prices = [_log(one) for _, one in known if one is not None]
    lost = weight * _share(max(accuracies) - accuracy, accuracies)
    paid = (1 - weight) * _share(_log(joules) - min(prices), prices)
    return max(lost, paid) + AUGMENTED * (lost + paid)


def _share(value: float, among: Sequence[float]) -> float:
    extent = max(among) - min(among)
    return value / extent if extent else 0.0


def _log(joules: float) -> float:
    return math.log(max(joules, 1e-12))

"""Accuracy and joules as one number to lower, for a sampler that knows of one objective only."""

from __future__ import annotations

import math
from collections.abc import Sequence

from energy_sweep.record import digest

GOLDEN = (math.sqrt(5) - 1) / 2
AUGMENTED = 0.05  # share of the sum that tells apart what the maximum calls equal (Knowles 2006)
ENDS = 0.1  # no weight is nearer to 0 or 1: one objective alone would end where the other is worst
OUTSIDE, WORST = 2.0, 4.0  # of what breaks a constraint, and at least; of what has no result

# Accuracy, joules, and how far it is outside of constraints in all.
Outcome = tuple[float | None, float | None, float]


def scalars(outcomes: Sequence[Outcome], parts: Sequence[range], *, seed: int) -> list[float]:
    """Augmented Chebyshev values of (accuracy, joules) by generation, with a weight for each.

    What is lost from the best accuracy and the lowest log joules, as shares of their ranges among
    what was known by then, is weighted, and the larger one counts. The weights go evenly through
    all trades, in an order that the seed begins, so that generations lie along the front. What
    breaks a constraint is above all that keeps them, by how far it is outside.
    """
    found = list[float]()
    begin = int(digest([seed, "weights"])[:8], 16) / 2**32
    for generation, part in enumerate(parts):
        weight = ENDS + (1 - 2 * ENDS) * ((begin + generation * GOLDEN) % 1)
        known = [one for one in outcomes[: part.stop] if None not in one]
        found += [_scalar(outcomes[index], known, weight) for index in part]
    return found


def _scalar(outcome: Outcome, known: Sequence[Outcome], weight: float) -> float:
    accuracy, joules, outside = outcome
    if accuracy is None or joules is None:
        return WORST
    if outside > 0:
        return OUTSIDE + outside / (1 + outside)
    accuracies = [one for one, _, _ in known if one is not None]
    prices = [_log(one) for _, one, _ in known if one is not None]
    lost = weight * _share(max(accuracies) - accuracy, accuracies)
    paid = (1 - weight) * _share(_log(joules) - min(prices), prices)
    return max(lost, paid) + AUGMENTED * (lost + paid)


def _share(value: float, among: Sequence[float]) -> float:
    extent = max(among) - min(among)
    return value / extent if extent else 0.0


def _log(joules: float) -> float:
    return math.log(max(joules, 1e-12))

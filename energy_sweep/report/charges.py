"""What objectives are made of: the joules of training and of an image, kept apart.

With these the joules of any objective, and what they are unsure of, are added up again without the
study: training + images x image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front.detrending import Z95
from energy_sweep.front.prices import TWO_RUNS, Prices, Usage
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Joules of a demand and what they are unsure of (`Prices.joules`): the hypotenuse of `noise`,
    which adds up in squares, and of `drift`, which adds up as it is."""

    joules: float
    noise: float
    drift: float
    seconds: float


def charge(wanted: Mapping[str, float], prices: Prices) -> Charge | None:
    """That of a demand; None where a part of it was never metered."""
    try:
        parts = prices.parts(wanted)
    except KeyError:
        return None
    return Charge(
        joules=math.fsum(units * pool.joules_per_unit for pool, units in parts),
        noise=TWO_RUNS * math.hypot(*(units * pool.spread for pool, units in parts)),
        drift=math.fsum(units * pool.drift for pool, units in parts),
        seconds=math.fsum(units * pool.seconds_per_unit for pool, units in parts),
    )


def noise_parts(
    training: Sequence[Usage], images: Sequence[Usage], prices: Prices
) -> list[list[float]]:
    """Of each configuration, joules beside the others' at 95 %, in squares: of its training, of
    what training and an image have in common, and of an image.

    Those of any objective are their sum, times 1, 2 x images and images squared. What was never
    metered has none.
    """
    known = [
        one if all(prices.pool(key) is not None for key in one) else {}
        for one in (*training, *images)
    ]
    ratios, count = Ratios(known, prices), len(training)
    first, second = range(count), range(count, 2 * count)
    pairs = ((first, first), (first, second), (second, second))
    found = [Z95**2 * ratios.covariances(one, other) for one, other in pairs]
    return [list(map(float, parts)) for parts in zip(*found, strict=True)]


def seconds_at_once(results: Sequence[TrialResult], prices: Prices, count: int) -> float | None:
    """Seconds that so many images take together, a mean over seeds; None where not measured."""
    keys = [result.facts.get("inference", {}).get(str(count)) for result in results]
    pools = [None if key is None else prices.pool(key) for key in keys]
    known = [count * one.seconds_per_unit for one in pools if one is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(pools) else None

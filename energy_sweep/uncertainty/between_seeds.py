"""How much the accuracy of a configuration hangs on its seeds, judged beside other configurations.

Two seeds say next to nothing of how seeds vary, and one says nothing. What the seeds of others say
is taken in as if each configuration had shown it in a few more of its own (an empirical Bayes
variance; Smyth 2004), so that one with a single seed is not held for surer than one with three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from energy_sweep.uncertainty.paired import SeedSpread

# Seeds, beyond the first, that the spread of all others counts as.
PRIOR_DEGREES = 4


class SeedVariance(NamedTuple):
    """Variance of a mean accuracy from the choice of its seeds, and how well that is known."""

    variance: float
    degrees: int


def beside_others(spreads: Sequence[SeedSpread], images: Sequence[int]) -> list[SeedSpread]:
    """The spreads of configurations of one study; those of several seeds judged beside the others.

    One with a single seed stays what it is: a claim on that one net.
    """
    degrees = sum(one.seeds - 1 for one in spreads)
    if not degrees:
        return list(spreads)
    return [
        one
        if one.seeds == 1
        else replace(
            one, seeds_variance=found.variance, degrees=found.degrees, most_degrees=degrees
        )
        for one, found in zip(spreads, seed_variances(spreads, images), strict=True)
    ]


def seed_variances(spreads: Sequence[SeedSpread], images: Sequence[int]) -> list[SeedVariance]:
    """One for each configuration, whose accuracy is over so many `images`.

    All are 0 where no configuration has several seeds.
    """
    if all(one.seeds == 1 for one in spreads):
        return [SeedVariance(0.0, 1)] * len(spreads)
    scales = [_scale(one.mean, count) for one, count in zip(spreads, images, strict=True)]
    degrees = sum(one.seeds - 1 for one in spreads)
    squares = math.fsum(map(_squares, spreads, scales))
    several = [(one, scale) for one, scale in zip(spreads, scales, strict=True) if one.seeds > 1]
    own = math.fsum(one.own * one.seeds / scale for one, scale in several) / len(several)
    return [
        _variance(one, count, scale, squares=squares, degrees=degrees, own=own)
        for one, count, scale in zip(spreads, images, scales, strict=True)
    ]


def _scale(mean: float, images: int) -> float:
    """What variances of accuracies are in proportion to, near 0 and 1 as elsewhere."""
    return (images * mean + 0.5) * (images * (1 - mean) + 0.5) / (images + 1) ** 2


def _squares(one: SeedSpread, scale: float) -> float:
    """The sum of squares of how its seeds differ, on the common scale."""
    return (one.seeds - 1) * one.seeds * one.seeds_variance / scale


def _variance(
    one: SeedSpread, images: int, scale: float, *, squares: float, degrees: int, own: float
) -> SeedVariance:
    mine = one.seeds - 1
    others = degrees - mine
    my_squares = _squares(one, scale)
    usual = (squares - my_squares) / others if others else 0.0
    if not mine:
        # What its one net answers otherwise than the next is in its spread over images already.
        usual = max(0.0, usual - own / images)
    prior = min(PRIOR_DEGREES, others)
    known = mine + prior
    each = scale * (my_squares + prior * usual) / known if known else 0.0
    return SeedVariance(max(each, 0.0) / one.seeds, max(known, 1))

"""The largest over the smallest joules of equally accurate nets: what a bad choice costs.

Both extremes are picked from many, so the interval is one that holds for all pairs at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from energy_sweep.front.detrending import Z95
from energy_sweep.front.effects.equally_accurate import (
    BesideReference,
    EquallyAccurate,
    accuracy_between,
    most_accurate,
    non_inferior,
    reaching,
)
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.prices import apart
from energy_sweep.front.ratios import paired_ratios
from energy_sweep.record import JsonDict
from energy_sweep.uncertainty.intervals import simultaneous_quantile

MARGIN = 0.01  # of accuracy: one point


@dataclass(frozen=True, slots=True, kw_only=True)
class JoulesRatio:
    """Joules of one trial's configuration over those of another, with a 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {"ratio": self.ratio, "interval": [self.low, self.high]}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoulesSpread:
    """Of configurations that are surely as accurate as is asked, trial `most` over trial `least`.

    Asked is an accuracy (`min_accuracy`), or that of trial `reference` but for `margin`. `surely`
    and `perhaps` count them. Intervals hold together for all pairs of those that are perhaps as
    accurate, none of which are more than `at_most` apart. `beside` is the accuracy of `least`
    beside the reference, `reference_over_least` what the reference takes; `gain` is the accuracy
    that `most` has more than `least`, with its interval. `contended` says that other programs ran
    in all windows that `spread` rests on.
    """

    min_accuracy: float | None
    reference: int | None
    margin: float
    configurations: int
    surely: int
    perhaps: int
    most: int
    least: int
    spread: JoulesRatio
    at_most: float
    beside: BesideReference | None
    reference_over_least: JoulesRatio | None
    gain: tuple[float, float, float] | None
    contended: bool

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        over = self.reference_over_least
        return {
            "min_accuracy": self.min_accuracy,
            "reference": self.reference,
            "margin": self.margin,
            "configurations": self.configurations,
            "surely": self.surely,
            "perhaps": self.perhaps,
            "most": self.most,
            "least": self.least,
            **self.spread.document,
            "at_most": self.at_most,
            "least_beside_reference": None if self.beside is None else self.beside.document,
            "reference_over_least": None if over is None else over.document,
            "accuracy_gain_of_most": None if self.gain is None else list(self.gain),
            "contended": self.contended,
        }


def joules_spread(
    priced: PricedStudy,
    min_accuracy: float | None = None,
    *,
    reference: int | None = None,
    margin: float = MARGIN,
) -> JoulesSpread | None:
    """By the objective of the study. Without an accuracy, as accurate as the configuration of trial
    `reference` (default: the most accurate) is within `margin`.

    None where fewer than two configurations surely are.
    """
    if not priced.priced:
        return None
    if min_accuracy is not None:
        among = reaching(priced, min_accuracy)
    else:
        place = most_accurate(priced) if reference is None else place_of(priced, reference)
        among = non_inferior(priced, place, margin)
    sure = [int(place) for place in np.flatnonzero(among.surely)]
    if len(sure) < 2:
        return None
    return _spread(priced, among, sure, min_accuracy, margin)


def place_of(priced: PricedStudy, trial: int) -> int:
    """Where the configuration of a trial is among those that have a price."""
    numbers = [{one.number for one, _ in found.runs} for found in priced.priced]
    return next(place for place, found in enumerate(numbers) if trial in found)


def _spread(
    priced: PricedStudy,
    among: EquallyAccurate,
    sure: Sequence[int],
    min_accuracy: float | None,
    margin: float,
) -> JoulesSpread:
    rows, demands = priced.rows, [one.demand for one in priced.priced]
    # Of equal joules, the more accurate is the better choice, and the less accurate the worse.
    least = min(sure, key=lambda place: (rows[place].joules, -rows[place].accuracy))
    most = max(sure, key=lambda place: (rows[place].joules, -rows[place].accuracy))
    perhaps = [int(place) for place in np.flatnonzero(among.perhaps | among.surely)]
    works = len({frozenset(demands[place].items()) for place in perhaps})
    times = simultaneous_quantile(max(1, works * (works - 1) // 2))
    reference = among.reference
    gain = None if least == most else accuracy_between(priced, least, most)
    return JoulesSpread(
        min_accuracy=min_accuracy,
        reference=None if reference is None else rows[reference].trial,
        margin=margin,
        configurations=len(rows),
        surely=len(sure),
        perhaps=len(perhaps),
        most=rows[most].trial,
        least=rows[least].trial,
        spread=_ratio(priced, most, least, times),
        at_most=_at_most(priced, perhaps, times),
        beside=among.beside[least] if among.beside else None,
        reference_over_least=None if reference is None else _ratio(priced, reference, least, times),
        gain=None if gain is None else (gain.estimate, *gain.interval),
        contended=priced.prices.is_contended(apart(demands[most], demands[least])),
    )


def _ratio(priced: PricedStudy, first: int, second: int, times: float) -> JoulesRatio:
    """Of two places; the interval is so many standard errors wide, at each corner of the bands."""
    corners = paired_ratios(priced.ratios, [first], [second])
    halves = [times * max(0.0, float(one.covariance[0, 0])) ** 0.5 for one in corners]
    ends = [(float(one.values[0]), half) for one, half in zip(corners, halves, strict=True)]
    return JoulesRatio(
        ratio=priced.rows[first].joules / priced.rows[second].joules,
        low=math.exp(min(value - half for value, half in ends)),
        high=math.exp(max(value + half for value, half in ends)),
    )


def _at_most(priced: PricedStudy, places: Sequence[int], times: float) -> float:
    found = [priced.ratios.log_ratios(places, places, scale) for scale in priced.ratios.corners]
    return float(np.exp(max((one.value + times / Z95 * one.uncertainty).max() for one in found)))

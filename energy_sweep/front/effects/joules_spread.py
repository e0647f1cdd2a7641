"""The largest over the smallest joules of equally good nets: what a bad choice costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import JsonDict

BELOW_BEST = 0.01  # accuracy: one point


@dataclass(frozen=True, slots=True, kw_only=True)
class JoulesSpread:
    """Of `configurations` of at least an accuracy, joules of trial `most` over those of `least`.

    The 95 % interval is over joint draws of accuracies and joules: in each, those that reach the
    accuracy (by default: a point below the best of the draw) are held against each other, so that
    luck in either is in it.
    """

    min_accuracy: float
    configurations: int
    most: int
    least: int
    ratio: float
    low: float
    high: float

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {
            "min_accuracy": self.min_accuracy,
            "configurations": self.configurations,
            "most": self.most,
            "least": self.least,
            "ratio": self.ratio,
            "interval": [self.low, self.high],
        }


def joules_spread(priced: PricedStudy, min_accuracy: float | None = None) -> JoulesSpread | None:
    """By the objective of the study; an accuracy that is not given is a point below the best.

    None where fewer than two configurations reach it.
    """
    rows = priced.rows
    if not rows:
        return None
    best = max(row.accuracy for row in rows)
    floor = best - BELOW_BEST if min_accuracy is None else min_accuracy
    among = [row for row in rows if row.accuracy >= floor]
    if len(among) < 2:
        return None
    most, least = (f(among, key=lambda row: row.joules) for f in (max, min))
    beliefs = priced.beliefs
    floors = floor
    if min_accuracy is None:
        floors = beliefs.accuracies.max(axis=1, keepdims=True) - BELOW_BEST
    reached = beliefs.accuracies >= floors
    highest = np.where(reached, beliefs.log_joules, -np.inf).max(axis=1)
    lowest = np.where(reached, beliefs.log_joules, np.inf).min(axis=1)
    ratios = np.exp((highest - lowest)[reached.any(axis=1)])
    low, high = (float(one) for one in np.quantile(ratios, (0.025, 0.975)))
    return JoulesSpread(
        min_accuracy=floor,
        configurations=len(among),
        most=most.trial,
        least=least.trial,
        ratio=most.joules / least.joules,
        low=low,
        high=high,
    )

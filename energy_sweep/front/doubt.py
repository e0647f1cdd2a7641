"""How sure a front is: the probability of each configuration that it belongs to it.

Of many joint draws of all accuracies and joules, that is the share in which no other configuration
dominates it. What two configurations share (images, work) is drawn once for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

# A share of .5 among so many draws is known to within .03.
DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beliefs:
    """Joint draws of what the configurations of a study may be in truth, each of shape [D, N].

    A factor common to all joules of a draw is left out: it changes no order.
    """

    accuracies: Floats
    log_joules: Floats

    def belonging(self) -> Floats:
        """For each configuration, its probability of belonging to the front: shape [N]."""
        kept = np.flatnonzero(~never_members(self.accuracies, self.log_joules))
        found = np.zeros(self.accuracies.shape[1])
        if len(kept):
            draws = members(self.accuracies[:, kept], self.log_joules[:, kept])
            found[kept] = draws.mean(axis=0)
        return found


def members(accuracies: Floats, log_joules: Floats) -> Truths:
    """Which points of each draw no other of it dominates; equal points stay together: [D, N]."""
    order = np.lexsort((-accuracies, log_joules), axis=1)
    accuracy = np.take_along_axis(accuracies, order, axis=1)
    joules = np.take_along_axis(log_joules, order, axis=1)
    so_far = np.maximum.accumulate(accuracy, axis=1)
    is_better = np.ones(accuracy.shape, dtype=np.bool_)
    is_better[:, 1:] = accuracy[:, 1:] > so_far[:, :-1]
    # Where the last point is that was better than all cheaper ones: its equals belong as it does.
    places = np.arange(accuracy.shape[1])
    last = np.maximum.accumulate(np.where(is_better, places, 0), axis=1)
    belongs = (accuracy == np.take_along_axis(accuracy, last, axis=1)) & (
        joules == np.take_along_axis(joules, last, axis=1)
    )
    found = np.zeros(accuracies.shape, dtype=np.bool_)
    np.put_along_axis(found, order, belongs, axis=1)
    return found


def never_members(accuracies: Floats, log_joules: Floats) -> Truths:
    """Which configurations one and the same other dominates in every draw: shape [N]."""
    worst, best = accuracies.min(axis=0), accuracies.max(axis=0)
    cheapest, dearest = log_joules.min(axis=0), log_joules.max(axis=0)
    order = np.argsort(dearest)
    best_of_cheaper = np.maximum.accumulate(worst[order])
    cheaper = np.searchsorted(dearest[order], cheapest, side="left")
    bar = np.where(cheaper > 0, best_of_cheaper[np.maximum(cheaper - 1, 0)], -np.inf)
    return bar > best


def expected_wrong(belonging: Sequence[float]) -> float:
    """How many of some members of a front are expected not to belong to it."""
    return sum(1 - share for share in belonging)

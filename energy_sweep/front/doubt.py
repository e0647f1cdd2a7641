"""How sure a front is: the probability of each configuration that it belongs to it.

Of many joint draws of all accuracies and joules, that is the share in which no other configuration
dominates it. What two configurations share (images, work) is drawn once for both. Where one member
of the front is better in both by far more than any draw could be off, nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.detrending import Z95
from energy_sweep.front.domination import pareto
from energy_sweep.front.merged import Configuration
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import digest
from energy_sweep.uncertainty.shrinkage import believed_accuracies

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Places = NDArray[np.intp]

# A share of .5 among so many draws is known to within .03.
DRAWS = 1000

# By so many standard deviations of the difference a member has to be more accurate, and to cost
# less, for one that it dominates to be hopeless. That is 11 of one accuracy; what neighbours
# believe of it, whose luck they take out, moves it by less than 6 even where they are 10,000.
MORE_ACCURATE, CHEAPER = 8.0, 6.0
# So few are drawn whole in no time.
FEW = 500


@dataclass(frozen=True, eq=False)
class Doubt:
    """What is believed of configurations that have a price; `ratios` are those of their demands.

    `accuracies` are theirs, in the same order.
    """

    accuracies: AccuracyTable
    ratios: Ratios

    @cached_property
    def beliefs(self) -> Beliefs:
        """Joint draws of all of them, in their order."""
        everybody = len(self.contenders) == len(self.accuracies.images)
        return self._among if everybody else beliefs_of(self.accuracies, self.ratios)

    def belonging(self) -> Floats:
        """For each of them, its probability of belonging to the front: shape [N]."""
        shares = np.zeros(len(self.accuracies.images))
        shares[self.contenders] = self._among.belonging()
        return shares

    def points(self, *places: int) -> list[tuple[Floats, Floats]]:
        """Joint draws of the accuracy and log joules of some of them, each of shape [D]."""
        known = {place: index for index, place in enumerate(self.contenders)}
        beliefs, indexes = self._among, [known.get(place, -1) for place in places]
        if -1 in indexes:
            beliefs, indexes = self.beliefs, list(places)
        return [(beliefs.accuracies[:, i], beliefs.log_joules[:, i]) for i in indexes]

    @cached_property
    def contenders(self) -> list[int]:
        """The places of those that may belong to the front, however unlikely."""
        if len(self.accuracies.images) <= FEW:
            return list(range(len(self.accuracies.images)))
        found, joules = self.accuracies.configurations, self.ratios.point_joules()
        points = [(one.accuracy, at) for one, at in zip(found, joules.tolist(), strict=True)]
        front = list(pareto(points))
        angles, spreads = self.accuracies.angles()
        gap = angles[front][:, None] - angles
        is_hopeless = gap > MORE_ACCURATE * np.hypot(spreads[front][:, None], spreads)
        costs, first = _distinct([frozenset(one.items()) for one in self.ratios.demands])
        is_cheaper = self.ratios.cheaper_or_equal(front, first, CHEAPER / Z95)[:, costs]
        number = np.array(costs)
        is_hopeless &= is_cheaper | np.equal.outer(number[front], number)
        return np.flatnonzero(~is_hopeless.any(axis=0)).tolist()

    @cached_property
    def _among(self) -> Beliefs:
        """Joint draws of the contenders, in their order."""
        demands = [self.ratios.demands[place] for place in self.contenders]
        table = self.accuracies.among(self.contenders)
        everybody = len(demands) == len(self.ratios.demands)
        extent = None if everybody else float(np.log(self.ratios.point_joules()).std())
        return beliefs_of(table, replace(self.ratios, demands=demands), extent)


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


def beliefs_of(table: AccuracyTable, ratios: Ratios, extent: float | None = None) -> Beliefs:
    """What is believed of configurations that have a price; the same for the same ones, always.

    `ratios` are those of their demands. Those that gave the same answers are equally accurate in
    each draw, those that did the same work cost the same. Where these are a part of a study,
    `extent` is how far apart its joules are: the standard deviation of their logarithms.
    """
    found = table.configurations
    rng = np.random.default_rng(_seed(found))
    if not found:
        return Beliefs(accuracies=np.empty((DRAWS, 0)), log_joules=np.empty((DRAWS, 0)))
    which, first = _distinct([_answered(one) for one in found])
    accuracies = table.among(first).draw(rng, DRAWS)[:, which]
    costs, cheapest = _distinct([frozenset(one.demand.items()) for one in found])
    distinct = replace(ratios, demands=[found[index].demand for index in cheapest])
    log_joules = distinct.draw(rng, DRAWS)[:, costs]
    believed = believed_accuracies(
        accuracies,
        np.array([one.accuracy for one in found]),
        images=np.array([float(one.runs[0][1].n_validation) for one in found]),
        place=log_joules.mean(axis=0),
        rng=rng,
        extent=extent,
    )
    return Beliefs(accuracies=believed, log_joules=log_joules)


def _seed(found: Sequence[Configuration]) -> int:
    """A number that changes with what was run and answered, and not with joules."""
    named = [[one.key, [result.correct for _, result in one.runs]] for one in found]
    return int(digest({"configurations": named}), 16)


def _answered(one: Configuration) -> object:
    """Equal for configurations whose nets gave the same answers to the same images."""
    known = tuple(answers.right for answers in one.answers)
    return (one.asked, known) if known else one.key


def _distinct(names: Sequence[object]) -> tuple[list[int], list[int]]:
    """The place of each name among the distinct ones, and where each of those comes first."""
    places: dict[object, int] = {}
    which = [places.setdefault(name, len(places)) for name in names]
    first = dict(zip(reversed(which), reversed(range(len(which))), strict=True))
    return which, [first[place] for place in range(len(places))]


def members(accuracies: Floats, log_joules: Floats) -> Truths:
    """Which points of each draw no other of it dominates; equal points stay together: [D, N]."""
    order = np.lexsort((-accuracies, log_joules), axis=1)
    accuracy = np.take_along_axis(accuracies, order, axis=1)
    joules = np.take_along_axis(log_joules, order, axis=1)
    so_far = np.maximum.accumulate(accuracy, axis=1)
    is_better = np.ones(accuracy.shape, dtype=np.bool_)
    is_better[:, 1:] = accuracy[:, 1:] > so_far[:, :-1]
    # Where the last point is that was better than all cheaper ones: its equals belong as it does.
    places = cast(Places, np.arange(accuracy.shape[1]))
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
    cheaper = cast(Places, np.searchsorted(dearest[order], cheapest, side="left"))
    bar = np.where(cheaper > 0, best_of_cheaper[np.maximum(cheaper - 1, 0)], -np.inf)
    return bar > best

"""The fronts of several studies together: what of each is left, and how much each dominates."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.detrending import Z95
from energy_sweep.front.domination import hypervolume, pareto
from energy_sweep.front.doubt import DRAWS, Floats, members
from energy_sweep.front.merged import Configuration, Row
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.prices import TWO_RUNS
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import digest

# The reference is the worst of all members in both, moved away by this much: each then counts.
LESS_ACCURATE, DEARER = 0.01, 1.1


class Reference(NamedTuple):
    """The point up to which hypervolumes are counted: an accuracy, and joules."""

    accuracy: float
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JointMember:
    """A member of a study's own front. `on_front` says whether no member of any study dominates it;
    `survives` is the probability of that, None where it cannot be known."""

    study: str
    row: Row
    on_front: bool
    survives: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InCommon:
    """So many configurations that two studies both have, and their joules in the second over those
    in the first: the median, the least and the most. That is how far two runs differ."""

    first: str
    second: str
    configurations: int
    ratio: float
    least: float
    most: float


@dataclass(frozen=True)
class JointFront:
    """The fronts of studies that have a name each, all priced by one objective.

    `is_one_machine` says that their joules are of one machine and one kind of meter.
    """

    studies: Mapping[str, PricedStudy]
    is_one_machine: bool = True

    @cached_property
    def members(self) -> tuple[JointMember, ...]:
        """The members of all fronts, cheapest first."""
        found = [(name, row) for name, one in self.studies.items() for row in one.front]
        left = set(pareto([(row.accuracy, row.joules) for _, row in found]))
        chances = self._chances()
        made = [
            JointMember(
                study=name,
                row=row,
                on_front=place in left,
                survives=None if chances is None else float(chances[place]),
            )
            for place, (name, row) in enumerate(found)
        ]
        return tuple(sorted(made, key=lambda one: (one.row.joules, -one.row.accuracy)))

    @cached_property
    def in_common(self) -> tuple[InCommon, ...]:
        """What each pair of studies has in common, where that is anything that costs joules."""
        costs = {
            name: {c.key: row.joules for c, row in zip(one.priced, one.rows, strict=True)}
            for name, one in self.studies.items()
        }
        made = list[InCommon]()
        for first, second in itertools.combinations(costs, 2):
            mine, theirs = costs[first], costs[second]
            keys = [key for key in mine if key in theirs and min(mine[key], theirs[key]) > 0]
            if keys:
                ratios = [theirs[key] / mine[key] for key in keys]
                made.append(
                    InCommon(
                        first=first,
                        second=second,
                        configurations=len(keys),
                        ratio=statistics.median(ratios),
                        least=min(ratios),
                        most=max(ratios),
                    )
                )
        return tuple(made)

    def survivors(self, study: str) -> tuple[int, ...]:
        """Trials of a study's front that no member of another dominates, cheapest first."""
        return tuple(m.row.trial for m in self.members if m.study == study and m.on_front)

    @cached_property
    def reference(self) -> Reference | None:
        """The worst accuracy and the most joules of all members, a little worse still; None where
        there is no member, or one that costs nothing."""
        rows = [row for one in self.studies.values() for row in one.front]
        if not rows or min(row.joules for row in rows) <= 0:
            return None
        lowest = min(row.accuracy for row in rows) - LESS_ACCURATE
        return Reference(max(0.0, lowest), DEARER * max(row.joules for row in rows))

    def hypervolume(self, study: str | None = None) -> float | None:
        """Accuracy times decades of joules that a study, or all together, dominate."""
        if self.reference is None:
            return None
        floor, ceiling = self.reference
        names = list(self.studies) if study is None else [study]
        rows = [row for name in names for row in self.studies[name].front]
        points = [(row.accuracy, math.log10(row.joules)) for row in rows]
        return hypervolume(points, (floor, math.log10(ceiling)))

    def _chances(self) -> Floats | None:
        """For each member, its probability of staying on the joint front.

        Accuracies of nets that answered the same images are drawn jointly, also across studies;
        joules of a study jointly, times a factor of its own, as all joules of one run have. None
        across machines and with several sources, whose factors studies share.
        """
        fronts = [_front_of(one) for one in self.studies.values()]
        found = [configuration for front in fronts for configuration in front]
        if not self.is_one_machine or not found:
            return None
        rng = np.random.default_rng(_seed(found))
        joules = list[Floats]()
        for one, front in zip(self.studies.values(), fronts, strict=True):
            if not front:
                continue
            ratios = Ratios([c.demand for c in front], one.prices, one.study.meter.scale_band_of)
            if len(ratios.sources) > 1:
                return None
            factor = rng.standard_normal((DRAWS, 1)) * _run_deviation(one, front)
            joules.append(ratios.draw(rng, DRAWS) + factor)
        accuracies = AccuracyTable(found).draw(rng, DRAWS)
        return members(accuracies, np.concatenate(joules, axis=1)).mean(axis=0)


def _front_of(one: PricedStudy) -> list[Configuration]:
    return [one.configuration(row.trial) for row in one.front]


def _run_deviation(one: PricedStudy, front: Sequence[Configuration]) -> float:
    """By what the logarithm of all joules of one run of a study is off: a standard deviation.

    Only of work that the study compares without the drift of the machine: draws of all other work
    have it already.
    """
    trend = one.prices.trend
    keys = set[str]() if trend is None else set(trend.keys)
    shares = list[float]()
    for configuration in front:
        joules = one.prices.joules(configuration.demand)[0]
        detrended = {key: units for key, units in configuration.demand.items() if key in keys}
        parts = one.prices.parts(detrended)
        drift = math.fsum(units * pool.drift for pool, units in parts)
        shares.append(drift / joules if joules else 0.0)
    return math.fsum(shares) / len(shares) / TWO_RUNS / Z95


def _seed(found: Sequence[Configuration]) -> int:
    named = [[one.key, [result.correct for _, result in one.runs]] for one in found]
    return int(digest({"joint": named}), 16)

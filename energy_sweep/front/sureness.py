"""How sure a choice is: that it keeps each constraint, and that it beats the runner-up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from energy_sweep.front.merged import Row
from energy_sweep.uncertainty.intervals import normal_quantile

if TYPE_CHECKING:
    from energy_sweep.front.doubt import Beliefs, Floats, Truths

    # Draws of the accuracy and the log joules of a row, each [D], and where the first of two is
    # better by a rule.
    Point = tuple[Floats, Floats]
    Better = Callable[[Point, Point], Truths]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Probabilities of a choice, None where there is no such constraint or no runner-up.

    That of `max_joules` is of staying below it when measured again from scratch; that of
    `min_accuracy` of what nets as good as this one have right of all images that may come.
    """

    min_accuracy: float | None
    max_joules: float | None
    constraints: float
    runner_up: int | None = None
    beats_runner_up: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What is believed of rows, by their trials: `beliefs` are in the order of `rows`."""

    rows: Sequence[Row]
    beliefs: Beliefs

    def of(
        self, row: Row, *, min_accuracy: float | None = None, max_joules: float | None = None
    ) -> Sureness:
        """How sure it is that a row keeps the constraints."""
        accuracies, _ = self._point(row)
        kept = None if min_accuracy is None else float((accuracies >= min_accuracy).mean())
        below = None if max_joules is None else _stays_below(row, max_joules)
        known = [one for one in (kept, below) if one is not None]
        return Sureness(min_accuracy=kept, max_joules=below, constraints=math.prod(known))

    def beats(self, row: Row, other: Row, better: Better) -> float:
        """In what share of the draws the first row is better than the other."""
        return float(better(self._point(row), self._point(other)).mean())

    def _point(self, row: Row) -> Point:
        index = self._places[row.trial]
        return self.beliefs.accuracies[:, index], self.beliefs.log_joules[:, index]

    @property
    def _places(self) -> Mapping[int, int]:
        return {row.trial: index for index, row in enumerate(self.rows)}


def is_cheaper(one: Point, other: Point) -> Truths:
    """Fewer joules; of equal ones, more accuracy."""
    return (one[1] < other[1]) | ((one[1] == other[1]) & (one[0] >= other[0]))


def is_more_accurate(one: Point, other: Point) -> Truths:
    """More accuracy; of equal ones, fewer joules."""
    return (one[0] > other[0]) | ((one[0] == other[0]) & (one[1] <= other[1]))


def percent_text(share: float) -> str:
    """A probability in whole percent, which never says that anything is certain."""
    if share >= 0.995:
        return "over 99 %"
    return "under 1 %" if share < 0.005 else f"{share:.0%}".replace("%", " %")


def _stays_below(row: Row, ceiling: float) -> float:
    """That joules measured anew stay below: they differ by less than stated, 19 times of 20."""
    deviation = row.uncertainty_joules / normal_quantile(0.975)
    if not deviation:
        return float(row.joules <= ceiling)
    return NormalDist(row.joules, deviation).cdf(ceiling)

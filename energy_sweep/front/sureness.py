"""How sure a choice is: that it keeps each constraint, and that it beats the runner-up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

from energy_sweep.front.merged import Row
from energy_sweep.uncertainty.intervals import normal_quantile

if TYPE_CHECKING:
    from energy_sweep.front.doubt import Doubt, Floats, Truths

    # Draws of the accuracy and the log joules of a row, each [D], and where the first of two is
    # better by a rule.
    Point = tuple[Floats, Floats]
    Better = Callable[[Point, Point], Truths]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Probabilities of a choice, None where there is no such constraint or no runner-up.

    That of `max_joules` is of staying below it when measured again from scratch; that of
    `min_accuracy` of what nets as good as this one have right of all images that may come. What
    joules decide that were measured beside other programs alone is not known: None too, and so
    are the `constraints` together.
    """

    min_accuracy: float | None
    max_joules: float | None
    constraints: float | None
    runner_up: int | None = None
    beats_runner_up: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """What is believed of rows, by their trials: `doubt` has them in their order."""

    rows: Sequence[Row]
    doubt: Doubt

    def of(
        self, row: Row, *, min_accuracy: float | None = None, max_joules: float | None = None
    ) -> Sureness:
        """How sure it is that a row keeps the constraints."""
        [(accuracies, _)] = self.doubt.points(self._places[row.trial])
        kept = None if min_accuracy is None else float((accuracies >= min_accuracy).mean())
        is_open = max_joules is not None and bool(row.contended)
        below = None if max_joules is None or is_open else _stays_below(row, max_joules)
        known = [one for one in (kept, below) if one is not None]
        together = None if is_open else math.prod(known)
        return Sureness(min_accuracy=kept, max_joules=below, constraints=together)

    def beats(self, row: Row, other: Row, better: Better) -> float | None:
        """In what share of the draws the first row is better than the other.

        None where joules count of which nothing is known.
        """
        places = [self._places[one.trial] for one in (row, other)]
        is_open = self.doubt.ratios.is_contended(places[:1], places[1:]).any()
        if is_open and better is not is_more_accurate:
            return None
        return float(better(*self.doubt.points(*places)).mean())

    @cached_property
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

"""What the next best each way costs or saves: the neighbours of a configuration on the front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from energy_sweep.front.configurations import joules_text
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.differences import AccuracyDifference, differences
from energy_sweep.front.joules_difference import JoulesDifference, joules_difference
from energy_sweep.front.merged import Row
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import JsonDict

# A difference of accuracies is sure where equal ones would seem to differ as much less often.
SURE_P_VALUE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBest:
    """A member of the front beside a choice: differences are its figures minus the choice's.

    `breaks` are the limits, in words, that it does not keep; empty where it keeps all.
    """

    row: Row
    accuracy: AccuracyDifference
    joules: JoulesDifference
    breaks: str

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {
            "trial": self.row.trial,
            "accuracy": self.row.accuracy,
            "joules": self.row.joules,
            **accuracy_document(self.accuracy),
            **self.joules.document,
            "breaks": self.breaks or None,
        }

    @property
    def text(self) -> str:
        """What it costs or saves, and whether that is sure."""
        said = f"trial {self.row.trial} {joules_words(self.joules)} and"
        said += f" {accuracy_words(self.accuracy)}: {sure_words(self.joules, self.accuracy)}"
        return f"{said}; {self.breaks}" if self.breaks else said


class NextBests(NamedTuple):
    """The dearest member of the front that costs less than a choice, and the cheapest one that is
    more accurate; None where there is none."""

    cheaper: NextBest | None
    more_accurate: NextBest | None


def next_bests(priced: PricedStudy, row: Row, limits: Constraints) -> NextBests:
    """The next best each way from a row of a study."""
    cheaper = [one for one in priced.front if one.joules < row.joules]
    better = [one for one in priced.front if one.accuracy > row.accuracy]
    down = max(cheaper, key=lambda one: (one.joules, -one.trial), default=None)
    up = min(better, key=lambda one: (one.joules, one.trial), default=None)
    return NextBests(_beside(priced, row, down, limits), _beside(priced, row, up, limits))


def _beside(
    priced: PricedStudy, row: Row, other: Row | None, limits: Constraints
) -> NextBest | None:
    if other is None:
        return None
    places = {one.trial: place for place, one in enumerate(priced.rows)}
    pair = places[other.trial], places[row.trial]
    theirs, mine = (priced.priced[place].demand for place in pair)
    band = priced.study.meter.scale_band_of
    return NextBest(
        row=other,
        accuracy=differences(priced.accuracies, [pair])[0],
        joules=joules_difference(theirs, mine, priced.prices, band),
        breaks=limits.broken(other),
    )


def accuracy_document(found: AccuracyDifference) -> JsonDict:
    """What JSON says of a difference of accuracies."""
    return {
        "accuracy_change": found.change,
        "accuracy_interval": [found.low, found.high],
        "accuracy_p_value": found.p_value,
        "accuracy_paired": found.paired,
        "accuracy_sure": is_sure(found),
    }


def is_sure(found: AccuracyDifference) -> bool:
    """Whether two accuracies differ beyond doubt."""
    return found.p_value < SURE_P_VALUE


def joules_words(found: JoulesDifference) -> str:
    """By how much something is cheaper or dearer, with its interval and its share."""
    if not found.change:
        return "costs the same"
    verb, sign = ("saves", -1) if found.change < 0 else ("costs", 1)
    ends = sorted((sign * found.low, sign * found.high))
    share = "" if found.share is None else f" ({sign * found.share:.0%})".replace("%", " %")
    more = "" if found.change < 0 else " more"
    return f"{verb} {span_text(sign * found.change, *ends)}{share}{more}"


def span_text(joules: float, low: float, high: float) -> str:
    """Joules with the ends of their interval, as many digits as the interval bears."""
    return f"{joules_text(joules)} [{joules_text(low)[:-2]}, {joules_text(high)[:-2]}]"


def accuracy_words(found: AccuracyDifference) -> str:
    """By how many points of accuracy something is better or worse, with the interval."""
    if not found.change:
        return f"is as accurate [{100 * found.low:+.2g}, {100 * found.high:+.2g}]"
    verb, sign = ("gains", 1) if found.change > 0 else ("loses", -1)
    ends = sorted((100 * sign * found.low, 100 * sign * found.high))
    return (
        f"{verb} {100 * sign * found.change:.2g} points of accuracy [{ends[0]:.2g}, {ends[1]:.2g}]"
    )


def sure_words(joules: JoulesDifference, accuracy: AccuracyDifference) -> str:
    """Which of both differences are beyond doubt."""
    known = {True: "surely", False: "not surely"}
    if is_sure(accuracy) and joules.is_sure:
        return "both are sure"
    if joules.is_sure is None:
        cheaper = "whether it costs less is not known, since contended joules say nothing"
    else:
        cheaper = f"the joules {known[joules.is_sure]} differ"
    p_value = "" if is_sure(accuracy) else f" (p = {accuracy.p_value:.2g})"
    if not is_sure(accuracy) and joules.is_sure is False:
        return f"neither is sure{p_value}"
    return f"{cheaper}, the accuracies {known[is_sure(accuracy)]}{p_value}"

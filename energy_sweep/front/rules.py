"""By what rule one of several configurations is taken, and which of two is better by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from energy_sweep.front.domination import pareto
from energy_sweep.front.merged import Row
from energy_sweep.front.scalarisation import Scalarisation, log_joules
from energy_sweep.front.sureness import is_cheaper, is_more_accurate
from energy_sweep.record import BadInput

if TYPE_CHECKING:
    from energy_sweep.front.constraints import Constraints
    from energy_sweep.front.sureness import Better, Point, Truths

WEIGHTS, EFFICIENCY, TRIAL = "weights", "efficiency", "trial"
NAMES = ("cheapest", "knee", "most_accurate", EFFICIENCY)
NO_FLOOR = (
    "efficiency without a least accuracy: accuracy over joules alone takes a net that learnt little"
    " for next to nothing (of published runs, 40 % for 9.9 kJ, where 60 % take 43.6 kJ): type"
    " --floor 0.9, or another least accuracy"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is taken of configurations, by any of them; `words` name it, and `than` says what it is
    beside the next. `better` compares two by draws of their accuracies and log joules."""

    words: str
    than: str
    take: Callable[[Sequence[Row]], Row]
    better: Better


def rule_name(
    rule: str | None, weights: Scalarisation | None, trial: int | None, typed: Constraints
) -> str:
    """The name of the one rule that is asked for, or that the limits ask for; BadInput for two."""
    if rule is not None and rule not in NAMES:
        raise BadInput(f"rule={rule}: type one of {', '.join(NAMES)}")
    asked = [rule] if rule is not None else []
    asked += [WEIGHTS] if weights is not None else []
    asked += [TRIAL] if trial is not None else []
    if len(asked) > 1:
        raise BadInput(f"{' and '.join(asked)} are rules that choose each for itself: type one")
    if asked:
        return asked[0]
    if typed.min_accuracy is not None:
        return "cheapest"
    return "knee" if typed.max_joules is None else "most_accurate"


def rule_of(name: str, fitting: Sequence[Row], weights: Scalarisation | None) -> Rule:
    """The rule of that name among configurations; weights count between their front's ends."""
    if name == "cheapest":
        return Rule(
            words="cheapest", than="cheaper", take=lambda rows: front_of(rows)[0], better=is_cheaper
        )
    if name == "most_accurate":
        return Rule(
            words="most accurate", than="more accurate", take=most_accurate, better=is_more_accurate
        )
    if name == EFFICIENCY:
        return Rule(
            words="most accurate per joule",
            than="more accurate per joule",
            take=lambda rows: max(front_of(rows), key=_accuracy_per_joule),
            better=_is_more_efficient,
        )
    if weights is not None:
        return _weighted(fitting, weights)
    bend = knee_height(front_of(fitting))
    if bend is None:
        return Rule(words="knee", than="cheaper", take=knee, better=is_cheaper)
    return Rule(
        words="knee",
        than="a better trade",
        take=knee,
        better=lambda one, other: bend(*one) >= bend(*other),
    )


def _weighted(fitting: Sequence[Row], weights: Scalarisation) -> Rule:
    score = weights.score(front_of(fitting))
    return Rule(
        words=(
            f"best by the weights {weights.text} (a sum of accuracy and the logarithm of joules,"
            " each from 0 to 1 between the ends of the front)"
        ),
        than="better by these weights",
        take=lambda rows: max(front_of(rows), key=lambda r: score(r.accuracy, log_joules(r))),
        better=lambda one, other: score(*one) >= score(*other),
    )


def front_of(found: Sequence[Row]) -> list[Row]:
    """The rows that none dominates, cheapest first."""
    return [found[index] for index in pareto([(row.accuracy, row.joules) for row in found])]


def most_accurate(found: Sequence[Row]) -> Row:
    """The most accurate, of equals the cheapest."""
    return max(front_of(found), key=lambda row: row.accuracy)


def knee(found: Sequence[Row]) -> Row:
    """The front's point of diminishing returns.

    It lies farthest above the line between the front's ends, in accuracy and log joules. With two
    or fewer there is no bend: then the cheapest whose accuracy interval reaches the best one's.
    """
    front = front_of(found)
    if len(front) < 3:
        level = [row for row in front if row.accuracy_high >= front[-1].accuracy_low]
        return min(level, key=lambda row: row.joules)
    height = knee_height(front)
    cost = math.log if front[0].joules > 0 else float
    if height is None:
        return front[0]
    return max(front, key=lambda row: height(row.accuracy, cost(row.joules)))


def knee_height(front: Sequence[Row]) -> Callable[[Any, Any], Any] | None:
    """How far (accuracy, log joules) lies above the line between the ends of a front.

    The joules are no logarithms where some are 0. None where the ends are no line, or too near.
    """
    if len(front) < 3:
        return None
    cost = math.log if front[0].joules > 0 else float
    low, high = front[0], front[-1]
    gain, spend = high.accuracy - low.accuracy, cost(high.joules) - cost(low.joules)
    if not gain or not spend:
        return None
    return lambda accuracy, joules: (
        (accuracy - low.accuracy) / gain - (joules - cost(low.joules)) / spend
    )


def _accuracy_per_joule(row: Row) -> float:
    return row.accuracy / row.joules if row.joules > 0 else math.inf


def _is_more_efficient(one: Point, other: Point) -> Truths:
    return one[0] * np.exp(other[1] - one[1]) >= other[0]

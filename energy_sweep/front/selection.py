"""Which configurations are worth their joules: the front, its knee, and the choice of one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from energy_sweep.front.choice_text import choice_text, doubt_texts, sure_texts
from energy_sweep.front.configurations import Row
from energy_sweep.front.configurations import command as command
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.domination import hypervolume as hypervolume
from energy_sweep.front.domination import pareto as pareto
from energy_sweep.front.limits import Limits
from energy_sweep.front.own_net import own_net_text
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.sureness import (
    Judgement,
    Sureness,
    is_cheaper,
    is_more_accurate,
    percent_text,
)
from energy_sweep.record import BadInput, NothingFits, Objective, Quality, StudyRecord

if TYPE_CHECKING:
    from energy_sweep.front.sureness import Better


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The configuration chosen, why in one sentence, and how sure that is: None of bare rows."""

    row: Row
    why: str
    sureness: Sureness | None = None


def pareto_numbers(study: StudyRecord, objective: Objective) -> tuple[int, ...]:
    """Trial numbers of the front, cheapest first, without the cost of whole rows."""
    priced = PricedStudy(study, objective)
    points = [(one.accuracy, one.joules(priced.prices)[0]) for one in priced.priced]
    return tuple(priced.priced[index].trial for index in pareto(points))


def rows(study: StudyRecord, objective: Objective | str = "lifetime") -> tuple[Row, ...]:
    """One row per measured configuration that has a price, by lowest trial number."""
    objective = Objective(objective) if isinstance(objective, str) else objective
    return PricedStudy(study, objective).rows


def knee(found: Sequence[Row]) -> Row:
    """The front's point of diminishing returns.

    It lies farthest above the line between the front's ends, in accuracy and log joules. With two
    or fewer there is no bend: then the cheapest whose accuracy interval reaches the best one's.
    """
    front = _front(found)
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


def choose(
    found: Sequence[Row] | StudyRecord | PricedStudy,
    *,
    min_accuracy: float | None = None,
    max_joules: float | None = None,
    constraints: Constraints | Mapping[str, Any] | None = None,
    rule: str | None = None,
    sure: float | None = None,
    quality: Quality = Quality.ESTIMATED,
) -> Choice:
    """One configuration within the limits, by `rule` or what the limits ask for.

    The default is the cheapest under `min_accuracy`, the most accurate under `max_joules` alone,
    the knee without limits; `constraints` are more limits by name. Of a study, its own constraints
    hold too, and the choice says how sure it is; `sure` takes only what keeps the limits of
    accuracy and joules with that probability. Raises BadInput, or NothingFits naming the nearest.
    """
    if not isinstance(constraints, Constraints):
        constraints = Constraints.of(constraints or {}, typed="")
    given = Constraints(min_accuracy=min_accuracy, max_joules=max_joules)
    limits = Limits(constraints=given.with_those_of(constraints), sure=sure)
    if rule is not None and rule not in RULES:
        raise BadInput(f"rule={rule}: type one of {', '.join(RULES)}")
    judgement, priced = None, None
    if isinstance(found, StudyRecord):
        found = PricedStudy(found)
    if isinstance(found, PricedStudy):
        quality, priced = found.study.meter.quality, found
        both = limits.constraints.with_those_of(found.constraints)
        limits = dataclasses.replace(limits, constraints=both)
        shown = found if found.rows else found.unconstrained  # of which the nearest is told
        found, judgement = shown.rows, Judgement(rows=shown.rows, doubt=shown.doubt)
    limits.check()
    if not found:
        raise NothingFits("the study has no measured configuration yet: run the sweep first")
    fitting = [row for row in found if limits.keeps(row, judgement)]
    if not fitting:
        raise NothingFits(_nearest_text(found, limits, judgement, quality))
    default = "knee" if max_joules is None else "most_accurate"
    rule = rule or (default if min_accuracy is None else "cheapest")
    row = RULES[rule](fitting)
    wanted = f" with {limits.text}" if limits.text else ""
    wanted += f", sure to {100 * sure:g} %" if sure is not None else ""
    why = f"the {rule.replace('_', ' ')} of {len(fitting)} configurations{wanted}"
    sureness = None if judgement is None else _sureness(row, fitting, rule, limits, judgement)
    own = "" if priced is None else own_net_text(priced.configuration(row.trial))
    told = sure_texts(sureness, _better(rule, fitting))
    said = [f"{why}: {choice_text(row, quality)}", *told, *filter(None, [own]), *doubt_texts(row)]
    return Choice(row=row, why="; ".join(said), sureness=sureness)


RULES: Mapping[str, Callable[[Sequence[Row]], Row]] = {
    "cheapest": lambda found: _front(found)[0],
    "knee": knee,
    "most_accurate": lambda found: max(_front(found), key=lambda row: row.accuracy),
}


def _better(rule: str, fitting: Sequence[Row]) -> Better:
    """By what a rule prefers one of two."""
    if rule == "most_accurate":
        return is_more_accurate
    bend = knee_height(_front(fitting)) if rule == "knee" else None
    if bend is None:
        return is_cheaper
    return lambda one, other: bend(*one) >= bend(*other)


def _sureness(
    row: Row, fitting: Sequence[Row], rule: str, limits: Limits, judgement: Judgement
) -> Sureness:
    found = limits.sureness(row, judgement)
    rest = [other for other in fitting if other.trial != row.trial]
    if not rest:
        return found
    other = RULES[rule](rest)
    beats = judgement.beats(row, other, _better(rule, fitting))
    return dataclasses.replace(found, runner_up=other.trial, beats_runner_up=beats)


def _nearest_text(
    found: Sequence[Row], limits: Limits, judgement: Judgement | None, quality: Quality
) -> str:
    """Says that no row keeps the limits, and which comes nearest to it."""
    if limits.sure is None:
        nearest = min(found, key=lambda row: (limits.excess(row), row.joules))
        return f"no configuration has {limits.text}; the nearest is {choice_text(nearest, quality)}"

    def shortfall(row: Row) -> tuple[float, float, float]:
        return -(limits.sureness(row, judgement).constraints or 0.0), limits.excess(row), row.joules

    nearest = min(found, key=shortfall)
    sure = limits.sureness(nearest, judgement).constraints
    with_that = "" if sure is None else f", with {percent_text(sure)},"
    return (
        f"no configuration has {limits.text} as surely as {100 * limits.sure:g} %; the nearest"
        f"{with_that} is {choice_text(nearest, quality)}"
    )


def _front(found: Sequence[Row]) -> list[Row]:
    return [found[index] for index in pareto([(row.accuracy, row.joules) for row in found])]

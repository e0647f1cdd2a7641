"""Which configurations are worth their joules: the front, its knee, and the choice of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front.configurations import Row, contended_text, joules_text
from energy_sweep.front.configurations import command as command
from energy_sweep.front.domination import hypervolume as hypervolume
from energy_sweep.front.domination import pareto as pareto
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import BadInput, NothingFits, Objective, Quality, StudyRecord
from energy_sweep.text.terminal import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The configuration chosen, and why in one sentence."""

    row: Row
    why: str


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
    cost = math.log if front[0].joules > 0 else float
    low, high = front[0], front[-1]
    gain, spend = high.accuracy - low.accuracy, cost(high.joules) - cost(low.joules)
    if not gain or not spend:
        return low

    def height(row: Row) -> float:
        above = (row.accuracy - low.accuracy) / gain
        return above - (cost(row.joules) - cost(low.joules)) / spend

    return max(front, key=height)


def choose(
    found: Sequence[Row] | StudyRecord,
    *,
    min_accuracy: float | None = None,
    max_joules: float | None = None,
    rule: str | None = None,
    quality: Quality = Quality.ESTIMATED,
) -> Choice:
    """One configuration within the limits, by `rule` or what the limits ask for.

    The default is the cheapest under `min_accuracy`, the most accurate under `max_joules` alone,
    the knee without limits. Of a study, the rows are those of `rows(study)`. Raises BadInput, or
    NothingFits naming the nearest.
    """
    if isinstance(found, StudyRecord):
        quality, found = found.meter.quality, rows(found)
    _check_limits(min_accuracy, max_joules, rule)
    floor, ceiling = min_accuracy or 0.0, math.inf if max_joules is None else max_joules
    wanted = _limits(min_accuracy, max_joules)
    fitting = [row for row in found if row.accuracy >= floor and row.joules <= ceiling]
    if not found:
        raise NothingFits("the study has no measured configuration yet: run the sweep first")
    if not fitting:
        nearest = min(found, key=lambda row: (_excess(row, floor, ceiling), row.joules))
        raise NothingFits(
            f"no configuration has {wanted}; the nearest is {_said(nearest, quality)}"
        )
    default = "knee" if max_joules is None else "most_accurate"
    rule = rule or (default if min_accuracy is None else "cheapest")
    row = RULES[rule](fitting)
    others = f"of {len(fitting)} configurations" + (f" with {wanted}" if wanted else "")
    why = f"the {rule.replace('_', ' ')} {others}: {_said(row, quality)}"
    return Choice(row=row, why="; ".join([why, *_doubts(row)]))


RULES: Mapping[str, Callable[[Sequence[Row]], Row]] = {
    "cheapest": lambda found: _front(found)[0],
    "knee": knee,
    "most_accurate": lambda found: max(_front(found), key=lambda row: row.accuracy),
}


def _check_limits(min_accuracy: float | None, max_joules: float | None, rule: str | None) -> None:
    if min_accuracy is not None and not 0 <= min_accuracy <= 1:
        raise BadInput(f"min_accuracy={min_accuracy:g}: type a fraction, such as 0.95")
    if max_joules is not None and not max_joules > 0:
        raise BadInput(f"max_joules={max_joules:g}: type a number of joules above 0")
    if rule is not None and rule not in RULES:
        raise BadInput(f"rule={rule}: type one of {', '.join(RULES)}")


def _limits(min_accuracy: float | None, max_joules: float | None) -> str:
    parts = [] if min_accuracy is None else [f"accuracy of at least {min_accuracy:g}"]
    parts += [] if max_joules is None else [f"at most {joules_text(max_joules)}"]
    return " and ".join(parts)


def _excess(row: Row, floor: float, ceiling: float) -> float:
    """How far a row is outside the limits, in shares of each limit."""
    return max(0.0, floor - row.accuracy) / (floor or 1) + max(0.0, row.joules / ceiling - 1)


def _said(row: Row, quality: Quality) -> str:
    named = one_line(" ".join(f"{name}={value_text(value)}" for name, value in row.params.items()))
    return (
        f"trial {row.trial}{f' ({named})' if named else ''},"
        f"{f' {row.achieved},' if row.achieved else ''} accuracy {row.accuracy:.3f} "
        f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}] (n = {row.n}) for "
        f"{joules_text(row.joules, row.uncertainty_joules)} {quality.value}"
        f"{f' ({contended_text(row.contended)})' if row.contended else ''}"
    )


def _doubts(row: Row) -> list[str]:
    """What speaks against a row, beyond the point values."""
    doubts = list[str]()
    if row.contended:
        doubts.append(
            f"other programs ran in all windows of its {', '.join(row.contended)}, so that its"
            " joules beat nothing until they are measured again"
        )
    if row.rivals:
        doubts.append(f"it cannot be told apart from trials {', '.join(map(str, row.rivals))}")
    if row.beaten_by:
        doubts.append(
            f"trials {', '.join(map(str, row.beaten_by))} are surely cheaper or more accurate, and"
            " not surely worse in anything"
        )
    return doubts


def _front(found: Sequence[Row]) -> list[Row]:
    return [found[index] for index in pareto([(row.accuracy, row.joules) for row in found])]

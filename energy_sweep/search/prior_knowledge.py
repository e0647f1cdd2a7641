"""What is known before a search: points to begin with, and a study of the same axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from energy_sweep.front.configurations import varying
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.recipe.dials import SEED, Dials, value_text
from energy_sweep.record import BadInput, JsonDict, MeterFacts, Objective, StudyRecord
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.suggest import Answer

START = "search.start"
LEARN = "search.learn_from"


def start_points(given: Sequence[Any], space: Space) -> tuple[JsonDict, ...]:
    """Points of a space from what was typed of each; BadInput names what is on no axis.

    An axis that is not named takes its middle: of numbers, of an interval (by ratio where it is
    logarithmic); of words the first.
    """
    return tuple(_point(number, point, space) for number, point in enumerate(given, start=1))


def _point(number: int, given: Any, space: Space) -> JsonDict:
    if not isinstance(given, Mapping):
        example = ",".join(f"{axis.name}:{value_text(middle(axis))}" for axis in space.axes[:2])
        raise BadInput(f"{START}: point {number} is {given}: type {START}=[{{{example}}}]")
    point = cast("Mapping[str, Any]", given)
    for name in point:
        if name not in space.names:
            raise BadInput(
                f"{START}: point {number} has {name}, which is no axis of this sweep: type"
                f" {' or '.join(space.names) or 'no point without one'}"
            )
    return {axis.name: _value(number, axis, point) for axis in space.axes}


def _value(number: int, axis: Axis, point: Mapping[str, Any]) -> Any:
    if axis.name not in point:
        return middle(axis)
    value = point[axis.name]
    if not axis.contains(value):
        raise BadInput(
            f"{START}: point {number} has {axis.name}={value_text(value)}, which its axis has not:"
            f" type {_range_text(axis)}"
        )
    if axis.values is not None:
        return axis.values[axis.position(value) or 0]
    return int(value) if axis.integer else float(value)


def _range_text(axis: Axis) -> str:
    if axis.values is None:
        return f"a number from {axis.low:g} to {axis.high:g}"
    return " or ".join(value_text(value) for value in axis.values)


def middle(axis: Axis) -> Any:
    """The value of an axis that nothing is known of."""
    if axis.values is not None:
        ordered = sorted(axis.values) if axis.is_numeric else axis.values[:1]
        return ordered[(len(ordered) - 1) // 2]
    low, high = axis.low or 0.0, axis.high or 0.0
    value = math.sqrt(low * high) if axis.log else (low + high) / 2
    return round(value) if axis.integer else value


def learned_answers(record: StudyRecord, space: Space, objective: Objective) -> list[Answer]:
    """What a study says of the points of a space, a configuration each, by trial number.

    A trial says the value of every dial that it was set to. BadInput where other axes were swept.
    """
    _check_axes(record, space)
    priced = PricedStudy(record, objective, is_constrained=False)
    dials = {trial.number: Dials.of(trial) for trial in record.trials}
    found: dict[int, Answer] = {}
    for one in priced.priced:
        if (point := _located(dials[one.trial], space)) is not None:
            found[one.trial] = Answer(point, one.accuracy, one.joules(priced.prices)[0])
    for row in priced.infeasible:
        if (point := _located(dials[row.trial], space)) is not None:
            found[row.trial] = Answer(point)
    return [found[number] for number in sorted(found)]


def without_joules(answers: Sequence[Answer]) -> list[Answer]:
    """The same answers where their joules say nothing: of another meter, machine or data."""
    return [answer._replace(joules=None) for answer in answers]


def compares(
    record: StudyRecord, *, meter: MeterFacts, machine: JsonDict, identity: JsonDict
) -> bool:
    """Whether the joules of a study are of the same work, machine and meter as those here."""
    return (
        sorted(record.meter.sources) == sorted(meter.sources)
        and sorted(record.meter.domains) == sorted(meter.domains)
        and record.machine.get("device_class") == machine.get("device_class")
        and record.identity == identity
    )


def _check_axes(record: StudyRecord, space: Space) -> None:
    then = set(varying(record)) - {SEED}
    now = {axis.name for axis in space.axes if axis.count > 1} - {SEED}
    for name in sorted(then ^ now):
        where = "it swept, and this sweep does not" if name in then else "it did not sweep"
        raise BadInput(
            f"{LEARN}={record.name}: {name} is an axis that {where}: type the same axes, or leave"
            f" {LEARN} out"
        )


def _located(dials: Dials, space: Space) -> JsonDict | None:
    """The point of a space that a trial was at, None where it was outside."""
    point: JsonDict = {}
    for axis in space.axes:
        value = dials.get(axis.name) if dials.knows(axis.name) else None
        if axis.name == SEED and not axis.contains(value):
            value = middle(axis)
        if not axis.contains(value):
            return None
        point[axis.name] = value
    return point

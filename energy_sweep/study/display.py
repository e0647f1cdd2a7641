"""How axes are shown to Optuna: numbers as numbers, so that its plots have true scales.

The truth about a trial is in its user attributes. What Optuna holds as parameters is for its
dashboard, and may be derived again, in a new Optuna study, when the axes change their kind.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from energy_sweep.recipe.dials import Dials, axes
from energy_sweep.record import JsonDict
from energy_sweep.study.attributes import (
    dials_of,
    told_accuracy,
    told_constraints,
    without_constraints,
)
from energy_sweep.study.space import Axis, Space, is_number

# Values that span this ratio read better on a logarithmic axis.
LOG_RATIO = 32

Display = Mapping[str, BaseDistribution]


def displays(trials: Iterable[FrozenTrial], space: Space) -> dict[str, BaseDistribution]:
    """A distribution for each axis, of today or of a stored trial, that holds all its values.

    What one command fixed, and another fixed otherwise, is an axis too.
    """
    trials = list(trials)
    settings = [dials_of(trial) for trial in trials]
    stored: dict[str, BaseDistribution] = {}
    for trial in trials:
        stored.update(trial.distributions)
    today = {axis.name: axis for axis in space.axes}
    names = [*stored, *(name for one in settings for name in one.params), *axes(settings), *today]
    return {
        name: _distribution(
            [*_choices(stored.get(name)), *_values(settings, name), *_typed(axis)],
            axis=axis,
            stored=stored.get(name),
        )
        for name in dict.fromkeys(names)
        for axis in [today.get(name)]
    }


def is_shown(trial: FrozenTrial, display: Display) -> bool:
    """Whether Optuna holds a trial as `display` says.

    Its importances count only the parameters that all trials have, in the same distribution.
    """
    return shown(dials_of(trial), display) == (trial.params, trial.distributions)


def is_told(trial: FrozenTrial) -> bool:
    """Whether Optuna shows the accuracy that the result of a trial says."""
    accuracy = told_accuracy(trial)
    return accuracy is None or (trial.values or [None])[0] == accuracy


def copied(
    trial: FrozenTrial,
    display: Display,
    violations: Mapping[int, Mapping[str, float]] | None = None,
) -> FrozenTrial:
    """A trial as it should be shown, under other constraints where their violations are given."""
    made = copy.copy(trial)
    made.params, made.distributions = shown(dials_of(trial), display)
    if violations is not None and trial.state is TrialState.COMPLETE:
        told = told_constraints(violations.get(trial.number, {}))
        made.system_attrs = {**without_constraints(trial.system_attrs), **told}
    if not is_told(trial):
        made.values = [told_accuracy(trial), *(trial.values or ())[1:]]
    return made


def shown(dials: Dials, display: Display) -> tuple[JsonDict, dict[str, BaseDistribution]]:
    """The parameters of a trial as Optuna stores them, one for each axis that can show its own."""
    values: JsonDict = {}
    for name, one in display.items():
        if not dials.knows(name):
            continue
        value = dials.get(name)
        if isinstance(one, CategoricalDistribution) and _choice(value) in one.choices:
            values[name] = _choice(value)
        elif _spans(one, value):
            values[name] = int(value) if isinstance(one, IntDistribution) else float(value)
    return values, {name: display[name] for name in values}


def _spans(one: BaseDistribution | None, value: Any) -> bool:
    if not isinstance(one, (FloatDistribution, IntDistribution)) or not is_number(value):
        return False
    whole = not isinstance(one, IntDistribution) or float(value).is_integer()
    return whole and one.low <= value <= one.high


def _distribution(
    values: list[Any], *, axis: Axis | None, stored: BaseDistribution | None
) -> BaseDistribution:
    interval = axis is not None and not axis.finite
    numbers = [value for value in values if is_number(value)]
    if not numbers or (len(numbers) < len(values) and not interval):
        return CategoricalDistribution(list(dict.fromkeys(_choice(value) for value in values)))
    low, high = min(numbers), max(numbers)
    if isinstance(stored, (FloatDistribution, IntDistribution)):
        low, high = min(low, stored.low), max(high, stored.high)
    wide = low > 0 and high / low >= LOG_RATIO
    if isinstance(stored, (FloatDistribution, IntDistribution)):
        wide = stored.log
    elif interval:
        wide = axis is not None and axis.log
    if all(isinstance(value, int) for value in (*numbers, low, high)):
        return IntDistribution(low, high, log=wide and low > 0)
    return FloatDistribution(float(low), float(high), log=wide and low > 0)


def _values(settings: Iterable[Dials], name: str) -> list[Any]:
    return [one.get(name) for one in settings if one.knows(name)]


def _typed(axis: Axis | None) -> tuple[Any, ...]:
    """The values of an axis of today, or the ends of its interval."""
    if axis is None:
        return ()
    if axis.values is not None:
        return axis.values
    ends = (axis.low or 0.0, axis.high or 0.0)
    return tuple(int(end) for end in ends) if axis.integer else tuple(float(e) for e in ends)


def _choices(stored: BaseDistribution | None) -> list[Any]:
    return list(stored.choices) if isinstance(stored, CategoricalDistribution) else []


def _choice(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, sort_keys=True)

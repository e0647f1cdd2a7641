"""How axes are shown to Optuna: numbers as numbers, so that its plots have true scales.

The truth about a trial is in its user attributes. What Optuna holds as parameters is for its
dashboard, and may be derived again, in a new Optuna study, when the axes change their kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial

from energy_sweep.record import Plain
from energy_sweep.space import Axis, Space, is_number

# Values that span this ratio read better on a logarithmic axis.
LOG_RATIO = 32

Display = Mapping[str, BaseDistribution]


def displays(trials: Iterable[FrozenTrial], space: Space) -> dict[str, BaseDistribution]:
    """A distribution for each axis, of today or of a stored trial, that holds all its values."""
    trials = list(trials)
    stored: dict[str, BaseDistribution] = {}
    for trial in trials:
        stored.update(trial.distributions)
    values: dict[str, list[Any]] = {name: _choices(one) for name, one in stored.items()}
    for trial in trials:
        for name, value in typed(trial).items():
            values.setdefault(name, []).append(value)
    axes = {axis.name: axis for axis in space.axes}
    for name, axis in axes.items():
        ends = () if axis.low is None or axis.high is None else _ends(axis)
        values.setdefault(name, []).extend(axis.values if axis.values is not None else ends)
    return {
        name: _distribution(found, axis=axes.get(name), stored=stored.get(name))
        for name, found in values.items()
    }


def typed(trial: FrozenTrial) -> Plain:
    """The parameters that a trial was claimed with; none for a trial that is not ours."""
    return trial.user_attrs.get("claim", {}).get("params", {})


def compatible(trials: Iterable[FrozenTrial], display: Display) -> bool:
    """Whether Optuna accepts these distributions beside those of the stored trials."""
    pairs = {(name, one) for trial in trials for name, one in trial.distributions.items()}
    return all(_agree(old, display[name]) for name, old in pairs)


def shown(params: Plain, display: Display) -> tuple[Plain, dict[str, BaseDistribution]]:
    """Parameters as Optuna stores them; what a distribution cannot show is left out."""
    values: Plain = {}
    for name, value in params.items():
        one = display.get(name)
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
    wide = low > 0 and high / low >= LOG_RATIO
    if isinstance(stored, (FloatDistribution, IntDistribution)):
        wide = stored.log
    elif interval:
        wide = axis is not None and axis.log
    if all(isinstance(value, int) for value in numbers):
        return IntDistribution(low, high, log=wide and low > 0)
    return FloatDistribution(float(low), float(high), log=wide and low > 0)


def _agree(old: BaseDistribution, new: BaseDistribution) -> bool:
    if isinstance(old, CategoricalDistribution) or isinstance(new, CategoricalDistribution):
        return old == new
    return type(old) is type(new) and getattr(old, "log", None) == getattr(new, "log", None)


def _ends(axis: Axis) -> tuple[float, ...]:
    ends = (axis.low or 0.0, axis.high or 0.0)
    return tuple(int(end) for end in ends) if axis.integer else tuple(float(e) for e in ends)


def _choices(stored: BaseDistribution) -> list[Any]:
    return list(stored.choices) if isinstance(stored, CategoricalDistribution) else []


def _choice(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, sort_keys=True)

"""Points of a space as parameters of Optuna, and back."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from energy_sweep.record import JsonDict
from energy_sweep.study.space import Axis, Space


@dataclass(frozen=True, slots=True)
class Coding:
    """The parameters of a space: typed values by their positions.

    Where they are `ordered`, numbers stand in the order of their size, as whole numbers: a sampler
    that measures distances learns from neighbours then, and steps are as fine as what was typed.
    Else all values are choices, since TPE needs no order among a few.
    """

    space: Space
    ordered: bool

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return {axis.name: self._distribution(axis) for axis in self.space.axes}

    def parameters(self, point: Mapping[str, Any]) -> JsonDict:
        """A point of the space as Optuna's parameters."""
        return {axis.name: self._coded(axis, point[axis.name]) for axis in self.space.axes}

    def point(self, parameters: Mapping[str, Any]) -> JsonDict:
        """Optuna's parameters as a point of the space, with the values that were typed."""
        return {axis.name: self._typed(axis, parameters[axis.name]) for axis in self.space.axes}

    def _distribution(self, axis: Axis) -> BaseDistribution:
        if axis.values is not None:
            if self._ranks(axis):
                return IntDistribution(0, len(_ladder(axis)) - 1)
            return _choices(len(axis.values))
        low, high = axis.low or 0.0, axis.high or 0.0
        if axis.integer:
            return IntDistribution(int(low), int(high), log=axis.log)
        return FloatDistribution(float(low), float(high), log=axis.log)

    def _coded(self, axis: Axis, value: Any) -> Any:
        if axis.values is not None:
            return _ladder(axis).index(value) if self._ranks(axis) else axis.position(value)
        return int(value) if axis.integer else float(value)

    def _typed(self, axis: Axis, value: Any) -> Any:
        if axis.values is None:
            return value if axis.integer else _told(value, axis)
        return _ladder(axis)[value] if self._ranks(axis) else axis.values[value]

    def _ranks(self, axis: Axis) -> bool:
        return self.ordered and axis.is_numeric


def _told(value: float, axis: Axis) -> float:
    """A number in twelve digits: in the sixteenth, two runs of one linear algebra may differ."""
    return min(max(float(f"{value:.12g}"), axis.low or 0.0), axis.high or 0.0)


def _ladder(axis: Axis) -> list[Any]:
    """The typed numbers by size, each once."""
    return sorted(dict.fromkeys(axis.values or ()))


@functools.cache
def _choices(count: int) -> CategoricalDistribution:
    return CategoricalDistribution(tuple(range(count)))

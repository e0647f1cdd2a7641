"""What a sweep may vary: axes, and the space of configurations that they span."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from energy_sweep.record import BadInput, JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dial under the name that a user types: finite `values` in their order, or an interval.

    An interval includes both ends; `integer` keeps it to whole numbers, `log` spreads samples by
    ratio instead of difference. `source` says who asked for the axis.
    """

    name: str
    values: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    source: str = "command line"

    def __post_init__(self) -> None:
        if self.values is not None:
            object.__setattr__(self, "values", tuple(self.values))
        if self.values is None:
            self._check_interval()
        elif not self.values:
            raise BadInput(f"{self.name} has no values: type at least one, such as {self.name}=1")

    def _check_interval(self) -> None:
        low, high = self.low, self.high
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            raise BadInput(f"{self.name}: type {self.name}=interval(LOW,HIGH) with two numbers")
        if low >= high:
            raise BadInput(
                f"{self.name}=interval({low:g},{high:g}) is empty: type the smaller number first"
            )
        if self.log and low <= 0:
            raise BadInput(
                f"{self.name}: a logarithmic interval starts above 0, and this one at {low:g}"
            )
        if self.integer and not (float(low).is_integer() and float(high).is_integer()):
            raise BadInput(f"{self.name}: type whole numbers in int(interval(LOW,HIGH))")

    @property
    def finite(self) -> bool:
        return self.values is not None

    @property
    def count(self) -> float:
        """How many values it has, those typed twice counted twice."""
        if self.values is not None:
            return len(self.values)
        return (self.high or 0) - (self.low or 0) + 1 if self.integer else math.inf

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers, which have an order; an interval's are."""
        return self.values is None or all(map(is_number, self.values))

    def position(self, value: Any) -> int | None:
        """Where among the typed values this one stands; True is not 1, but 1.0 is."""
        same = (index for index, known in enumerate(self.values or ()) if _same(value, known))
        return next(same, None)

    def contains(self, value: Any) -> bool:
        """Whether `value` is on the axis."""
        if self.values is not None:
            return self.position(value) is not None
        if self.low is None or self.high is None or not is_number(value):
            return False
        whole = not self.integer or float(value).is_integer()
        return whole and self.low <= value <= self.high


@dataclass(frozen=True, slots=True, init=False)
class Space:
    """The product of axes, the first axis varying slowest; without axes it holds one point.

    Axes may also be given by name, as their values: Space({"batch": [32, 64], "epochs": 5}).
    """

    axes: tuple[Axis, ...]

    def __init__(self, axes: Iterable[Axis] | Mapping[str, Any] = ()) -> None:
        if isinstance(axes, Mapping):
            named = cast("Mapping[str, Any]", axes)
            found = [_axis(values, name) for name, values in named.items()]
        else:
            found = [_axis(axis) for axis in axes]
        object.__setattr__(self, "axes", tuple(found))
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise BadInput(f"{name} is given twice: type it once, with all its values")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    @property
    def size(self) -> int | None:
        """Number of points, values typed twice counted twice; None for an infinite space."""
        total = 1
        for axis in self.axes:
            if axis.values is None:
                return None
            total *= len(axis.values)
        return total

    @property
    def count(self) -> float:
        """Number of points, whole numbers of an interval too; infinite where one is not whole."""
        return math.prod(axis.count for axis in self.axes)

    def grid(self) -> Iterator[JsonDict]:
        """Every point of a finite space, in the order typed."""
        columns = [axis.values for axis in self.axes if axis.values is not None]
        if len(columns) < len(self.axes):
            raise ValueError("an interval has no grid")
        for point in itertools.product(*columns):
            yield dict(zip(self.names, point, strict=True))

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether `params` gives every axis, and nothing else, a value that is on it."""
        return set(params) == set(self.names) and all(
            axis.contains(params[axis.name]) for axis in self.axes
        )


def _axis(values: Any, name: str = "") -> Axis:
    """An axis as it is, or of the values under its name: several, or one."""
    if isinstance(values, Axis):
        return replace(values, name=name or values.name)
    if not name:
        raise BadInput(
            f"{values!r} is no axis: hand in Axis(name='batch', values=(32, 64)), or"
            " Space({'batch': [32, 64]})"
        )
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
        return Axis(name=name, values=tuple(cast("Iterable[Any]", values)))
    return Axis(name=name, values=(cast("Any", values),))


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float, and not a bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(first: Any, second: Any) -> bool:
    return first == second and isinstance(first, bool) == isinstance(second, bool)

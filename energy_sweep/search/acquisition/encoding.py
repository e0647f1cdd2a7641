"""Points of a space as vectors: numbers by their order and ratio, names by one direction each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import JsonDict
from energy_sweep.study.space import Axis, Space, is_number

Floats = NDArray[np.float64]

# Numbers that span more than this ratio are told apart by their logarithms.
RATIO = 8.0


def encode(points: Sequence[JsonDict], space: Space) -> Floats:
    """A row of features for each point [N, D], each between 0 and 1."""
    columns = [column for axis in space.axes for column in _columns(axis, points)]
    return np.array(columns, dtype=np.float64).reshape(len(columns), len(points)).T


def columns_of(name: str, points: Sequence[JsonDict], space: Space) -> tuple[int, ...]:
    """Which columns of the features are of an axis."""
    widths = [len(_columns(axis, points)) for axis in space.axes]
    before = {axis.name: sum(widths[:at]) for at, axis in enumerate(space.axes)}
    if name not in before:
        return ()
    first = before[name]
    return tuple(range(first, first + widths[space.names.index(name)]))


def span(axis: Axis) -> tuple[float, float] | None:
    """The least and the largest number of an axis; None where it has other values."""
    if axis.values is not None and not all(map(is_number, axis.values)):
        return None
    low, high, _ = _range(axis)
    return low, high


def _columns(axis: Axis, points: Sequence[JsonDict]) -> list[list[float]]:
    given = [point[axis.name] for point in points]
    if axis.values is not None and not all(map(is_number, axis.values)):
        positions = [axis.position(value) for value in given]
        ways = range(len(axis.values)) if len(axis.values) > 1 else ()
        return [[float(position == way) for position in positions] for way in ways]
    low, high, log = _range(axis)
    if low == high:
        return []
    return [[_place(value, low, high, log=log) for value in given]]


def _range(axis: Axis) -> tuple[float, float, bool]:
    if axis.values is None:
        return float(axis.low or 0.0), float(axis.high or 0.0), axis.log
    low, high = float(min(axis.values)), float(max(axis.values))
    return low, high, low > 0 and high / low >= RATIO


def _place(value: Any, low: float, high: float, *, log: bool) -> float:
    if log:
        return math.log(value / low) / math.log(high / low)
    return (float(value) - low) / (high - low)

"""Which points of a space are weighed: all of a small one, else a dense sample and what lies next
to the front."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import JsonDict
from energy_sweep.search.acquisition.start import COMPRESSION, EPOCHS
from energy_sweep.study.space import Axis, Space, is_number

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]
Truths = NDArray[np.bool_]

MOST = 2000  # points of a space that are all weighed, and of the sample of a larger one
STEPS = (0.05, 0.15)  # along an interval, of its length
ALIKE = 0.04  # of its length: what lies so near to a measured point tells nothing that it did not
MOST_NEIGHBOURS = 200
BRANCHES = 8  # of each training of a sample
MOST_OTHERS = 6  # values of an axis without an order that count as neighbours
DIGITS = 3  # significant ones of a sampled value, so that it can be read and typed


def is_small(space: Space) -> bool:
    """Whether all points are weighed."""
    return space.size is not None and space.size <= MOST


def sample(space: Space, *, seed: int, count: int = MOST) -> list[JsonDict]:
    """Points that fill a space evenly (scrambled Sobol sequences), without repetition.

    What a training branches into is sampled for each training, its least epochs and compression
    first: points that lie anywhere would share nothing. The same for the same space and seed,
    whatever was measured.
    """
    apart = [axis for axis in space.axes if not _is_branch(axis)]
    branching = [axis for axis in space.axes if _is_branch(axis)]
    trunks = _trunks(apart, most=count // BRANCHES if branching else count, seed=seed)
    branches = max(1, count // len(trunks)) if branching else 1
    places = iter(_sobol(len(branching), len(trunks) * branches, seed=seed + 1))
    found: dict[str, JsonDict] = {}
    for trunk in trunks:
        for number in range(branches):
            row = next(places)
            values = [
                _least(axis)
                if number == 0 or (number == 1 and axis.name == EPOCHS)
                else _value(axis, float(place))
                for axis, place in zip(branching, row, strict=True)
            ]
            point = trunk | dict(zip((axis.name for axis in branching), values, strict=True))
            point = {axis.name: point[axis.name] for axis in space.axes}
            found.setdefault(repr(point), point)
    return list(found.values())


def _trunks(axes: Sequence[Axis], *, most: int, seed: int) -> list[JsonDict]:
    """Values of the axes that make trainings differ: all of them, or an even sample."""
    own = Space(axes)
    if own.size is not None and own.size <= most:
        return list(own.grid())
    found: dict[str, JsonDict] = {}
    for row in _sobol(len(axes), most, seed=seed):
        trunk = {axis.name: _value(axis, float(one)) for axis, one in zip(axes, row, strict=True)}
        found.setdefault(repr(trunk), trunk)
    return list(found.values())


def _sobol(dimensions: int, count: int, *, seed: int) -> Floats:
    """So many places between 0 and 1 in so many dimensions."""
    if not dimensions:
        return np.zeros((count, 0))
    from scipy.stats import qmc  # pyright: ignore[reportMissingTypeStubs]

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(sequence.random_base2(math.ceil(math.log2(count))))[:count]


def _is_branch(axis: Axis) -> bool:
    return axis.name == EPOCHS or axis.name.startswith(COMPRESSION)


def _least(axis: Axis) -> Any:
    if axis.values is None:
        return _value(axis, 0.0)
    numbers = all(map(is_number, axis.values))
    return min(axis.values) if numbers else axis.values[0]


def neighbours(points: Sequence[JsonDict], space: Space) -> list[JsonDict]:
    """What lies next to points, each along one axis; in turn over the points, and not too many."""
    each = [iter(list(_next_to(point, space))) for point in points]
    turns = itertools.chain.from_iterable(itertools.zip_longest(*each))
    return list(itertools.islice((one for one in turns if one is not None), MOST_NEIGHBOURS))


def alike(features: Floats, measured: Numbers, intervals: Sequence[int]) -> Truths:
    """Which of N candidates [N, D] are all but one of those `measured`.

    They differ by little, and along intervals alone, whose columns are given: another one would be
    taken for the luck of its draw.
    """
    found = np.zeros(len(features), dtype=np.bool_)
    if not len(measured) or not intervals:
        return found
    limits = np.zeros(features.shape[1])
    limits[list(intervals)] = ALIKE
    for row in features[measured]:
        found |= (np.abs(features - row) <= limits).all(axis=1)
    return found


def _next_to(point: JsonDict, space: Space) -> Iterator[JsonDict]:
    for axis in space.axes:
        for value in _other_values(axis, point[axis.name]):
            yield {**point, axis.name: value}


def _other_values(axis: Axis, value: Any) -> Iterable[Any]:
    if axis.values is None:
        place = _place(axis, float(value))
        steps = (place + sign * step for step in STEPS for sign in (-1, 1))
        near = [_value(axis, one) for one in steps if 0 <= one <= 1]
        whole = [value - 1, value + 1] if axis.integer else []
        return [
            one for one in dict.fromkeys((*whole, *near)) if axis.contains(one) and one != value
        ]
    position = axis.position(value) or 0
    if all(map(is_number, axis.values)):
        order = sorted(range(len(axis.values)), key=lambda one: axis.values[one])  # type: ignore[index]
        rank = order.index(position)
        return [
            axis.values[one]
            for one in (*order[max(0, rank - 1) : rank], *order[rank + 1 : rank + 2])
        ]
    others = [one for index, one in enumerate(axis.values) if index != position]
    return others[:MOST_OTHERS]


def _value(axis: Axis, place: float) -> Any:
    """The value at a place between 0 and 1 of an axis."""
    if axis.values is not None:
        return axis.values[min(int(place * len(axis.values)), len(axis.values) - 1)]
    low, high = float(axis.low or 0.0), float(axis.high or 0.0)
    if axis.integer:
        # Each whole number has the same share of the axis, those at its ends too.
        low, high = low - (0.0 if axis.log else 0.5), high + (0.5 if not axis.log else 0.0)
    value = low * (high / low) ** place if axis.log else low + (high - low) * place
    if axis.integer:
        return int(min(max(round(value), axis.low or 0), axis.high or 0))
    return min(max(float(f"{value:.{DIGITS}g}"), axis.low or 0.0), axis.high or 0.0)


def _place(axis: Axis, value: float) -> float:
    low, high = float(axis.low or 0.0), float(axis.high or 0.0)
    return (
        math.log(value / low) / math.log(high / low) if axis.log else (value - low) / (high - low)
    )

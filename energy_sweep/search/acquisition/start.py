"""What is measured first, before anything can be believed: few trainings, spread far apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import JsonDict
from energy_sweep.search.acquisition.encoding import encode
from energy_sweep.study.space import Space

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

TRUNKS = 3  # trainings that share nothing
# Axes that a training branches into: by the number of its epochs, and by what it is compressed to.
EPOCHS, COMPRESSION = "epochs", "compression"
MOST_DEARER = 2.0  # than the middling training, of what a training may take
ROUNDING = 1e-9  # by which equal prices differ
LEVER = "device."  # axes that change joules alone


def start(
    points: Sequence[JsonDict],
    space: Space,
    seed: int,
    price: Floats | None = None,
    *,
    unsure: Floats | None = None,
    measured: Sequence[int] = (),
) -> tuple[int, ...]:
    """Indexes of the points to measure first, in order.

    Of a few trainings far from one another, each at the least epochs, the one least compressed; and
    of the first of them one that is compressed by a middling level. Those of `measured` points come
    first. Where prices are known, in joules [N], to within what is `unsure` [N], none is surely
    dearer than the middling training, nor possibly twice as dear, and the cheapest is the first;
    of equal trainings at several settings of the device it is the cheapest, unless one of them was
    measured. A pure function of its arguments.
    """
    apart = [axis for axis in space.axes if _of_a_trunk(axis.name)]
    places = encode(points, Space(apart)) if apart else np.zeros((len(points), 0))
    chosen = list[int]()
    rng = np.random.default_rng(seed)
    given = None if price is None else (price, np.zeros(len(price)) if unsure is None else unsure)
    for trunk in _far_apart(places, rng, given, measured):
        least = _least(points, np.flatnonzero((places == places[trunk]).all(axis=1)))
        if price is not None:
            least.sort(key=lambda one: (one not in measured, price[one]))
        by_compression = {_compression(points[index], space): index for index in reversed(least)}
        branches = [index for _, index in sorted(by_compression.items())]
        chosen += [branches[0]] if chosen else [branches[0], branches[len(branches) // 2]]
    return tuple(dict.fromkeys(chosen))


def _of_a_trunk(name: str) -> bool:
    return name != EPOCHS and not name.startswith((COMPRESSION, LEVER))


def _far_apart(
    places: Floats,
    rng: np.random.Generator,
    price: tuple[Floats, Floats] | None,
    measured: Sequence[int],
) -> list[int]:
    """One index for each of some distinct rows [N, D]: those `measured`, then each the farthest
    from those before."""
    distinct, firsts, of = np.unique(places, axis=0, return_index=True, return_inverse=True)
    begun = list(dict.fromkeys(of.reshape(-1)[list(measured)].tolist()))
    cheapest, open_to = np.zeros(len(distinct)), np.ones(len(distinct), dtype=np.bool_)
    if price is not None:
        joules, unsure = price
        cheapest += np.inf
        np.minimum.at(cheapest, of.reshape(-1), joules)
        surely, possibly = np.full(len(distinct), np.inf), np.full(len(distinct), np.inf)
        np.minimum.at(surely, of.reshape(-1), joules - unsure)
        np.minimum.at(possibly, of.reshape(-1), joules + unsure)
        usual = float(np.median(cheapest)) * (1 + ROUNDING)
        open_to = (surely <= usual) & (possibly <= MOST_DEARER * usual)
        if not open_to.any():  # of no price is anything known
            open_to = possibly <= np.median(possibly) * (1 + ROUNDING)
    rows = np.flatnonzero(open_to)
    found = begun[:TRUNKS] or [int(rows[rng.integers(len(rows))])]
    while len(found) < min(TRUNKS, len(rows)):
        near = ((distinct[rows][:, None, :] - distinct[found][None, :, :]) ** 2).sum(axis=2)
        apart = near.min(axis=1)
        farthest = np.flatnonzero(apart >= apart.max() - 1e-9)
        found.append(int(rows[rng.choice(farthest)]))
    later = found[len(begun) :]
    later.sort(key=lambda one: cheapest[one])  # stable: without prices as they were found
    return [int(firsts[one]) for one in (*found[: len(begun)], *later)]


def _least(points: Sequence[JsonDict], among: Numbers) -> list[int]:
    """Those of the fewest epochs."""
    if EPOCHS not in points[int(among[0])]:
        return among.tolist()
    epochs: dict[int, float] = {index: points[index][EPOCHS] for index in among.tolist()}
    return [index for index, number in epochs.items() if number == min(epochs.values())]


def _compression(point: JsonDict, space: Space) -> tuple[float, ...]:
    """How much a point is compressed, as far as its axes have an order."""
    values = [
        (axis.position(point[axis.name]) if axis.finite else point[axis.name])
        for axis in space.axes
        if axis.name.startswith(COMPRESSION)
    ]
    return tuple(float(value or 0) for value in values)

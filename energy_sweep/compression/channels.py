"""How many channels a pruned network keeps: arithmetic on shapes, without weights or torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Counts = TypeVar("Counts")

WIDE = 128  # channels; from here on multiples of 8 are fine enough to meet a level
TOLERANCE = 0.05  # between the level asked and the one achieved
# Between the two where a runtime is cheapest at some counts: other counts are filled up to those,
# so that they cost as much, and save but bytes.
SNAPPED = 0.1
# Below multiples of 4, ONNX Runtime leaves its fast kernels.
FINEST = 4
BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A convolution or linear layer: its dense channels and the weights of one channel pair."""

    outputs: int
    inputs: int
    kernel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A side of a layer that shrinks by `width` when its group loses one channel."""

    layer: str
    output: bool
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels that can only be removed together, and every layer side that they run through."""

    size: int
    touches: tuple[Touch, ...]


def steps_to_try(multiple: int | None) -> tuple[tuple[int, float], ...]:
    """Steps of counts, the best first, each with how far from the level it may end.

    `multiple` is the one that the runtime runs cheapest, None where that is not known.
    """
    if multiple is None:
        return ((FINEST, TOLERANCE), (1, math.inf))
    finer = [multiple >> times for times in range(1, multiple.bit_length())]
    between = ((step, TOLERANCE) for step in finer if step >= FINEST)
    return ((multiple, SNAPPED), *between, (1, math.inf))


def first_near(
    level: float,
    tries: Iterable[tuple[int, float]],
    make: Callable[[int], Counts],
    removed: Callable[[Counts], float],
) -> Counts:
    """What `make` gives of the first step that removes something, and near enough to `level`.

    Nearer than the tolerance where little is to be removed, or kept: rounds of a small level each
    would add up to another one.
    """
    for step, most in tries:
        tolerance = min(most, level, (1 - level) / 2) if math.isfinite(most) else most
        counts = make(step)
        share = removed(counts)
        if math.isinf(tolerance) or (share > 0 and abs(share - level) <= tolerance):
            return counts
    raise ValueError("no step was left to try")


def channel_counts(
    layers: Mapping[str, Layer],
    groups: Sequence[Group],
    level: float,
    multiple: int | None = None,
) -> tuple[int, ...]:
    """How many channels each group keeps, so that about `level` of the weights are removed.

    Multiples of `multiple` where they come within .1 of the level, else of less, within .05; from
    width 128 on at least of 8.
    """
    dense = _remaining_weights(layers, groups, [group.size for group in groups])
    return first_near(
        level,
        steps_to_try(multiple),
        lambda step: nearest_counts(layers, groups, level, step=step),
        lambda counts: 1 - _remaining_weights(layers, groups, counts) / dense,
    )


def nearest_counts(
    layers: Mapping[str, Layer], groups: Sequence[Group], level: float, *, step: int
) -> tuple[int, ...]:
    """The multiples of `step` whose removed weights are nearest to `level`.

    One keep ratio serves all groups and is found by bisection.
    """
    dense = _remaining_weights(layers, groups, [group.size for group in groups])

    def removed(counts: Sequence[int]) -> float:
        return 1 - _remaining_weights(layers, groups, counts) / dense

    small, large = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (small + large) / 2
        if removed(_kept_counts(groups, middle, step)) > level:
            small = middle
        else:
            large = middle
    candidates = (_kept_counts(groups, large, step), _kept_counts(groups, small, step))
    return min(candidates, key=lambda counts: abs(removed(counts) - level))


def _kept_counts(groups: Sequence[Group], ratio: float, step: int) -> tuple[int, ...]:
    # Each group rounds at a phase of its own. Were all to round alike, layers of equal width
    # would lose a channel at the same ratio, and narrow networks would miss the level.
    counts: list[int] = []
    for index, group in enumerate(groups):
        step_here = max(8, step) if group.size >= WIDE else min(step, group.size)
        phase = (index + 0.5) / len(groups)
        count = step_here * math.floor(group.size / step_here * ratio + phase)
        counts.append(min(group.size, max(step_here, count)))
    return tuple(counts)


def _remaining_weights(
    layers: Mapping[str, Layer], groups: Sequence[Group], counts: Sequence[int]
) -> float:
    outputs = {name: float(layer.outputs) for name, layer in layers.items()}
    inputs = {name: float(layer.inputs) for name, layer in layers.items()}
    for group, count in zip(groups, counts, strict=True):
        for touch in group.touches:
            side = outputs if touch.output else inputs
            side[touch.layer] -= (group.size - count) * touch.width
    return math.fsum(outputs[name] * inputs[name] * layer.kernel for name, layer in layers.items())

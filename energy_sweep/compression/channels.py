"""How many channels a pruned network keeps: arithmetic on shapes, without weights or torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDE = 128  # channels; from here on multiples of 8 are fine enough to meet a level
TOLERANCE = 0.05  # between the level asked and the one achieved
# The fast kernels of ONNX Runtime on the CPU want multiples of 4: at 45 channels small_cnn takes
# more CPU time than the dense 64, at 44 a fifth less.
STEPS = (4, 1)
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


def channel_counts(
    layers: Mapping[str, Layer], groups: Sequence[Group], level: float
) -> tuple[int, ...]:
    """How many channels each group keeps, so that about `level` of the weights are removed.

    Multiples of 4 where they come within .05 of the level (of 8 from width 128).
    """
    found = [nearest_counts(layers, groups, level, step=step) for step in STEPS]
    dense = _weights(layers, groups, [group.size for group in groups])
    misses = [abs(1 - _weights(layers, groups, counts) / dense - level) for counts in found]
    return next((c for c, miss in zip(found, misses, strict=True) if miss <= TOLERANCE), found[-1])


def nearest_counts(
    layers: Mapping[str, Layer], groups: Sequence[Group], level: float, *, step: int
) -> tuple[int, ...]:
    """The multiples of `step` whose removed weights are nearest to `level`.

    One keep ratio serves all groups and is found by bisection.
    """
    dense = _weights(layers, groups, [group.size for group in groups])

    def removed(counts: Sequence[int]) -> float:
        return 1 - _weights(layers, groups, counts) / dense

    small, large = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (small + large) / 2
        if removed(_kept(groups, middle, step)) > level:
            small = middle
        else:
            large = middle
    candidates = (_kept(groups, large, step), _kept(groups, small, step))
    return min(candidates, key=lambda counts: abs(removed(counts) - level))


def _kept(groups: Sequence[Group], ratio: float, step: int) -> tuple[int, ...]:
    # Each group rounds at a phase of its own. Were all to round alike, layers of equal width
    # would lose a channel at the same ratio, and narrow networks would miss the level.
    counts: list[int] = []
    for index, group in enumerate(groups):
        step_here = 8 if group.size >= WIDE else min(step, group.size)
        phase = (index + 0.5) / len(groups)
        count = step_here * math.floor(group.size / step_here * ratio + phase)
        counts.append(min(group.size, max(step_here, count)))
    return tuple(counts)


def _weights(layers: Mapping[str, Layer], groups: Sequence[Group], counts: Sequence[int]) -> float:
    outputs = {name: float(layer.outputs) for name, layer in layers.items()}
    inputs = {name: float(layer.inputs) for name, layer in layers.items()}
    for group, count in zip(groups, counts, strict=True):
        for touch in group.touches:
            side = outputs if touch.output else inputs
            side[touch.layer] -= (group.size - count) * touch.width
    return math.fsum(outputs[name] * inputs[name] * layer.kernel for name, layer in layers.items())

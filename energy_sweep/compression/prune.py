"""Structured pruning: channels are truly removed, the same share of every layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import Technique, When
from energy_sweep.record import BadInput, Plain

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDE = 128  # channels; from here on multiples of 8 are fine enough to meet a level
TOLERANCE = 0.05  # between the level asked and the one achieved
# The fast kernels of ONNX Runtime on the CPU want multiples of 4: at 45 channels small_cnn takes
# more CPU time than the dense 64, at 44 a fifth less.
STEPS = (4, 1)
BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune(Technique):
    """Removes the channels of least L2 norm, after training, and recovers for a few epochs."""

    when: ClassVar[When] = "after"
    recover_epochs: int = 3
    name: str = "prune"

    def __post_init__(self) -> None:
        if not isinstance(self.recover_epochs, int) or self.recover_epochs < 0:
            raise BadInput(
                f"compression.recover_epochs={self.recover_epochs}: type a whole number "
                "of at least 0, such as compression.recover_epochs=3"
            )

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor
    ) -> tuple[nn.Module, Plain]:
        """A physically smaller copy of `module`, and `removed_weight_bits` and `channels` of it.

        How many channels each layer keeps follows from the architecture and the level alone;
        which ones, from the weights.
        """
        from energy_sweep.model.base import weight_bits

        self.check(level)
        pruned = copy.deepcopy(module)
        if level > 0:
            modes = [(part, part.training) for part in pruned.modules()]
            _remove_channels(pruned, level, example)
            for part, training in modes:
                part.training = training
        removed = 1 - weight_bits(pruned) / weight_bits(module)
        return pruned, {"removed_weight_bits": removed, "channels": _channels(pruned)}


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


def _remove_channels(module: nn.Module, level: float, example: Tensor) -> None:
    import torch
    import torch_pruning

    # On the CPU, where the order of additions, hence the choice among near ties, is fixed.
    device = next(module.parameters()).device
    module.to("cpu")
    with torch.enable_grad():  # the dependency graph is read from autograd's
        graph = torch_pruning.DependencyGraph().build_dependency(
            module, example_inputs=(example[:1].to("cpu"),), verbose=False
        )
    names = {part: name for name, part in module.named_modules()}
    traced = _traced_groups(graph, names)
    counts = channel_counts(_layers(names), [group for _, group in traced], level)
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    # All scores are read before the first cut, so that no group's choice depends on another's.
    scores = [importance(members) for members, _ in traced]
    for (members, _), score, count in zip(traced, scores, counts, strict=True):
        if score is None or count == len(score):
            continue
        root = members[0].dep
        weakest = torch.argsort(score, descending=True, stable=True)[count:].tolist()
        graph.get_pruning_group(root.target.module, root.handler, sorted(weakest)).prune()
    module.to(device)


def _traced_groups(graph: Any, names: Mapping[nn.Module, str]) -> list[tuple[Any, Group]]:
    """The prunable groups of torch_pruning in the order of their first layers, with ours."""
    from torch import nn

    found: list[tuple[Any, Group]] = []
    for members in graph.get_all_groups(root_module_types=[nn.Conv2d, nn.Linear]):
        group = _group(members, names, graph.is_out_channel_pruning_fn)
        if group is not None:
            found.append((members, group))
    order = {name: place for place, name in enumerate(names.values())}
    return sorted(found, key=lambda pair: order[names[pair[0][0].dep.target.module]])


def _group(
    members: Any, names: Mapping[nn.Module, str], is_output: Callable[[Any], bool]
) -> Group | None:
    """Our description of a group, or None where its channels must stay.

    They must stay where no layer consumes them, since they are the network's outputs, and where
    a convolution in several groups (other than a depthwise one) ties them together.
    """
    from torch import nn

    size = len(members[0].idxs)
    touches: list[Touch] = []
    for member in members:
        part = member.dep.target.module
        if not isinstance(part, (nn.Conv2d, nn.Linear)):
            continue
        if isinstance(part, nn.Conv2d) and not _is_plain(part) and not _is_depthwise(part):
            return None
        output = is_output(member.dep.handler)
        touches.append(Touch(layer=names[part], output=output, width=len(member.idxs) / size))
    if all(touch.output for touch in touches):
        return None
    return Group(size=size, touches=tuple(touches))


def _is_plain(part: nn.Conv2d) -> bool:
    return part.groups == 1


def _is_depthwise(part: nn.Conv2d) -> bool:
    return part.groups == part.in_channels == part.out_channels


def _layers(names: Mapping[nn.Module, str]) -> dict[str, Layer]:
    from torch import nn

    layers: dict[str, Layer] = {}
    for part, name in names.items():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            outputs, inputs, *kernel = part.weight.shape
            layers[name] = Layer(outputs=outputs, inputs=inputs, kernel=math.prod(kernel))
    return layers


def _channels(module: nn.Module) -> dict[str, int]:
    names = {part: name for name, part in module.named_modules()}
    return {name: layer.outputs for name, layer in _layers(names).items()}

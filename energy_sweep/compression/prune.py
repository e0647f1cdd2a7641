"""Structured pruning: channels are truly removed, the same share of every layer."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import Batches, Technique, When, check_recover_epochs
from energy_sweep.compression.channels import Group, Layer, Touch, channel_counts
from energy_sweep.record import Plain

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune(Technique):
    """Removes the channels that act least, after training, and recovers for a few epochs.

    A channel acts by the L2 norm of its weights, scaled as its BatchNorm scales them.
    """

    when: ClassVar[When] = "after"
    recover_epochs: int = 3
    name: str = "prune"

    def __post_init__(self) -> None:
        check_recover_epochs(self.recover_epochs)

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
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


def _remove_channels(module: nn.Module, level: float, example: Tensor) -> None:
    import torch
    import torch_pruning
    from torch import nn

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
    importance = torch_pruning.importance.GroupMagnitudeImportance(
        p=2, target_types=[nn.Conv2d, nn.Linear]
    )
    # All scores are read before the first cut, so that no group's choice depends on another's.
    with _norms_folded(module):
        scores = [importance(members) for members, _ in traced]
    for (members, _), score, count in zip(traced, scores, counts, strict=True):
        if score is None or count == len(score):
            continue
        root = members[0].dep
        weakest = torch.argsort(score, descending=True, stable=True)[count:].tolist()
        graph.get_pruning_group(root.target.module, root.handler, sorted(weakest)).prune()
    module.to(device)


@contextlib.contextmanager
def _norms_folded(module: nn.Module) -> Iterator[None]:
    """Scale convolutions by the norms behind them, as they act, and restore them.

    A norm undoes any scale of the weights before it, so bare weights say little of a channel.
    """
    import torch

    from energy_sweep.runtime.folding import find_folds, folded_state

    folds = find_folds(module)
    weights = {f"{name}.weight" for name in folds}
    bare = {name: p for name, p in module.named_parameters() if name in weights}
    before = [(parameter, parameter.detach().clone()) for parameter in bare.values()]
    state = folded_state(module, folds)
    with torch.no_grad():
        for name, parameter in bare.items():
            parameter.copy_(state[name])
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, old in before:
                weight.copy_(old)


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

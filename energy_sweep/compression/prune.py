"""Structured pruning: channels are truly removed, the same share of every layer."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from energy_sweep.compression.base import (
    Batches,
    Round,
    Technique,
    When,
    spread_rounds,
)
from energy_sweep.compression.channels import Group, Layer, Touch, channel_counts
from energy_sweep.compression.checks import (
    check_choice,
    check_multiple,
    check_reached,
    check_recover_epochs,
)
from energy_sweep.record import JsonDict

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune(Technique):
    """Removes the channels that act least, after training, and recovers for a few epochs.

    A channel acts by the L2 norm of its weights, scaled as its BatchNorm scales them, or by how
    much the loss would change without it, to first order (`taylor`, Molchanov et al. 2019).
    Layers keep multiples of `channel_multiple` channels where the level allows; None is what the
    runtime runs cheapest.
    """

    when: ClassVar[When] = "after"
    importance: Literal["magnitude", "taylor"] = "magnitude"
    iterations: int = 1
    recover_epochs: int = 3
    channel_multiple: int | None = None
    name: str = "prune"

    def __post_init__(self) -> None:
        check_multiple(self.channel_multiple)
        check_choice("compression.importance", self.importance, ("magnitude", "taylor"))
        check_recover_epochs(self.recover_epochs, self.iterations)

    def rounds(self, level: float) -> tuple[Round, ...]:
        return spread_rounds(
            self, self.effective_level(level), self.iterations, self.recover_epochs
        )

    def check_net(self, module: nn.Module, level: float, *, example: Tensor) -> None:
        """Raise BadInput where layers with their last channels left still keep too much."""
        by_size = dataclasses.replace(self, importance="magnitude")
        removed = by_size.prepare(module, level, example=example)[1]["removed_weight_bits"]
        check_reached(level, removed, "pruning to the last channels of every layer")

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
    ) -> tuple[nn.Module, JsonDict]:
        """A physically smaller copy of `module`, and `removed_weight_bits` and `channels` of it.

        How many channels each layer keeps follows from the architecture, the level and
        `channel_multiple`; which ones, from the weights.
        """
        from energy_sweep.model.base import weight_bits

        self.check(level)
        pruned = copy.deepcopy(module)
        if level > 0:
            modes = [(part, part.training) for part in pruned.modules()]
            if self.importance == "taylor":
                _gather_gradients(pruned, batches)
            _remove_channels(
                pruned,
                level,
                example,
                by_loss=self.importance == "taylor",
                multiple=self.channel_multiple,
            )
            pruned.zero_grad(set_to_none=True)
            for part, training in modes:
                part.training = training
        return pruned, {
            "removed_weight_bits": 1 - weight_bits(pruned) / weight_bits(module),
            "channels": _channels(pruned),
            "dense_channels": _channels(module),
        }


def _gather_gradients(module: nn.Module, batches: Batches | None) -> None:
    """Leave in each weight the gradient of the loss over some training batches."""
    from torch.nn import functional

    if batches is None:
        raise ValueError("importance by the loss needs batches to take it over")
    module.eval()  # statistics of norms stay those of training
    for images, labels in batches():
        functional.cross_entropy(module(images), labels).backward()


def _remove_channels(
    module: nn.Module,
    level: float,
    example: Tensor,
    *,
    by_loss: bool = False,
    multiple: int | None = None,
) -> None:
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
    traced = _trace_groups(graph, names)
    counts = channel_counts(_layers(names), [group for _, group in traced], level, multiple)
    kinds = [nn.Conv2d, nn.Linear]
    # All scores are read before the first cut, so that no group's choice depends on another's.
    if by_loss:
        importance = torch_pruning.importance.GroupTaylorImportance(target_types=kinds)
        scores = [importance(members) for members, _ in traced]
    else:
        importance = torch_pruning.importance.GroupMagnitudeImportance(p=2, target_types=kinds)
        with _fold_norms(module):
            scores = [importance(members) for members, _ in traced]
    for (members, _), score, count in zip(traced, scores, counts, strict=True):
        if score is None or count == len(score):
            continue
        root = members[0].dep
        weakest = torch.argsort(score, descending=True, stable=True)[count:].tolist()
        graph.get_pruning_group(root.target.module, root.handler, sorted(weakest)).prune()
    module.to(device)


@contextlib.contextmanager
def _fold_norms(module: nn.Module) -> Iterator[None]:
    """Scale convolutions by the norms behind them, as they act, and restore them.

    A norm undoes any scale of the weights before it, so bare weights say little of a channel.
    """
    import torch

    from energy_sweep.runtime.folding import find_folds, fold_state

    folds = find_folds(module)
    weights = {f"{name}.weight" for name in folds}
    bare = {name: p for name, p in module.named_parameters() if name in weights}
    before = [(parameter, parameter.detach().clone()) for parameter in bare.values()]
    state = fold_state(module, folds)
    with torch.no_grad():
        for name, parameter in bare.items():
            parameter.copy_(state[name])
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, old in before:
                weight.copy_(old)


def _trace_groups(graph: Any, names: Mapping[nn.Module, str]) -> list[tuple[Any, Group]]:
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

"""Low-rank approximation: a layer becomes two thin ones, by the singular values of its weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import (
    Batches,
    Technique,
    When,
)
from energy_sweep.compression.channels import first_near, steps_to_try
from energy_sweep.compression.checks import check_multiple, check_reached, check_recover_epochs
from energy_sweep.record import JsonDict

if TYPE_CHECKING:
    from torch import Tensor, nn

BISECTIONS = 50
# Layers with fewer outputs, or weights of an output, stay: first layers, and those of few classes.
NARROW = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank(Technique):
    """Replaces convolutions and linear layers by two of lower rank, and recovers for a few epochs.

    Ranks follow from the sizes of layers alone, the same share of the largest rank that would save
    anything, in multiples of `channel_multiple` as channels of pruned nets are; narrow layers
    stay. What is kept of a layer is its largest singular values.
    """

    when: ClassVar[When] = "after"
    restructures: ClassVar[bool] = True
    recover_epochs: int = 3
    channel_multiple: int | None = None
    name: str = "lowrank"

    def __post_init__(self) -> None:
        check_multiple(self.channel_multiple)
        check_recover_epochs(self.recover_epochs)

    def check_net(self, module: nn.Module, level: float, *, example: Tensor) -> None:
        """Raise BadInput where rank 1 in every layer still keeps too much."""
        sizes = _sizes(module)
        removed = _count_removed(sizes, ranks(sizes, level, self.channel_multiple))
        check_reached(level, removed, "rank 1 in every layer that can be split")

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
    ) -> tuple[nn.Module, JsonDict]:
        """A copy of `module` with thin layers, and their `ranks` by name."""
        thin, sizes = copy.deepcopy(module), _sizes(module)
        chosen = ranks(sizes, level, self.channel_multiple)
        for name, rank in chosen.items():
            thin.set_submodule(name, _factorise(thin.get_submodule(name), rank))
        return thin, {"removed_weight_bits": _count_removed(sizes, chosen), "ranks": chosen}

    def restructure(self, module: nn.Module, facts: JsonDict) -> None:
        """Put thin layers where `prepare` put them."""
        for name, rank in facts["ranks"].items():
            module.set_submodule(name, _make_pair(module.get_submodule(name), rank))


def ranks(
    sizes: Mapping[str, tuple[int, int]], level: float, multiple: int | None = None
) -> dict[str, int]:
    """The rank of each layer that becomes smaller, so that about `level` of all weights go.

    `sizes` are the outputs of each layer and the weights of each output. Ranks are multiples of
    `multiple` where these come near the level, as channels of pruned nets are.
    """
    return first_near(
        level,
        steps_to_try(1 if multiple is None else multiple),
        lambda step: _nearest(sizes, level, step),
        lambda chosen: _count_removed(sizes, chosen),
    )


def _nearest(sizes: Mapping[str, tuple[int, int]], level: float, step: int) -> dict[str, int]:
    """The ranks, multiples of `step`, whose removed weights are nearest to `level`."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _count_removed(sizes, _ranks(sizes, middle, step)) > level:
            low = middle
        else:
            high = middle
    near = (_ranks(sizes, low, step), _ranks(sizes, high, step))
    return min(near, key=lambda chosen: abs(_count_removed(sizes, chosen) - level))


def _ranks(sizes: Mapping[str, tuple[int, int]], share: float, step: int) -> dict[str, int]:
    # Rounded at a phase of each layer's own, so that layers alike do not all change at once.
    found = dict[str, int]()
    for index, (name, (rows, columns)) in enumerate(sizes.items()):
        phase = (index + 0.5) / len(sizes)
        largest = rows * columns / (rows + columns)
        rank = step * max(1, math.floor(share * largest / step + phase))
        if min(rows, columns) >= NARROW and rank * (rows + columns) < rows * columns:
            found[name] = rank
    return found


def _count_removed(sizes: Mapping[str, tuple[int, int]], chosen: Mapping[str, int]) -> float:
    dense = {name: rows * columns for name, (rows, columns) in sizes.items()}
    thin = {name: rank * sum(sizes[name]) for name, rank in chosen.items()}
    return 1 - sum((dense | thin).values()) / sum(dense.values())


def _sizes(module: nn.Module) -> dict[str, tuple[int, int]]:
    """The layers, with the rows and columns of their weights as a matrix.

    Grouped convolutions are no such matrix, and stay whole: they count as one row.
    """
    from torch import nn

    found = dict[str, tuple[int, int]]()
    for name, part in module.named_modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            rows = 1 if getattr(part, "groups", 1) > 1 else len(part.weight)
            found[name] = (rows, part.weight.numel() // rows)
    return found


def _make_pair(layer: nn.Module, rank: int) -> nn.Sequential:
    """The two layers that stand for one, with any weights."""
    from torch import nn

    weight = next(layer.parameters())
    where: Any = {"device": weight.device, "dtype": weight.dtype}
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        first = nn.Linear(layer.in_features, rank, bias=False, **where)
        return nn.Sequential(first, nn.Linear(rank, layer.out_features, bias=bias, **where))
    assert isinstance(layer, nn.Conv2d)
    geometry: Any = {
        name: getattr(layer, name)
        for name in ("kernel_size", "stride", "padding", "dilation", "padding_mode")
    }
    first = nn.Conv2d(layer.in_channels, rank, bias=False, **geometry, **where)
    return nn.Sequential(first, nn.Conv2d(rank, layer.out_channels, 1, bias=bias, **where))


def _factorise(layer: nn.Module, rank: int) -> nn.Sequential:
    """The two layers that stand for one, as near to it as their rank lets them be."""
    import torch

    thin, own = _make_pair(layer, rank), layer.state_dict()
    # In double precision on the CPU, so that every machine finds the same vectors.
    matrix = own["weight"].flatten(1).double().cpu()
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    root = values[:rank].sqrt()
    state = thin.state_dict()
    found = {"0.weight": root[:, None] * right[:rank], "1.weight": left[:, :rank] * root}
    new = {name: value.reshape(state[name].shape) for name, value in found.items()}
    thin.load_state_dict({**new, **({"1.bias": own["bias"]} if "bias" in own else {})})
    return thin

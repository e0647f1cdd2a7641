"""Masks of weights that no file holds: a weight that is exactly zero is masked.

A mask is read off the weights where an epoch begins, and put on them again after every update. So
an epoch that begins from a file is masked as one that goes on in memory is, bit for bit. A weight
that training happened to bring to exactly zero would be masked too; that hardly ever occurs, and
occurs alike in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from energy_sweep.compression.hooks import TrainingHook

Scope = Literal["global", "layer"]


class MaskHook(TrainingHook):
    """Keeps at zero what is zero when the epoch begins, once `first` has changed the net."""

    def __init__(self, first: Callable[[nn.Module], None] | None = None) -> None:
        self._first = first
        self._weights: list[Tensor] = []
        self._masks: list[Tensor] = []

    def begin(self, module: nn.Module) -> None:
        if self._first is not None:
            self._first(module)
        self._weights = [weight.data for weight in weights(module).values()]
        self._masks = [(weight != 0).to(weight.dtype) for weight in self._weights]

    def after_step(self, module: nn.Module) -> None:
        # One call for all layers. Momentum of masked weights may move them before this, and does
        # no harm: what it adds is taken away again.
        torch._foreach_mul_(self._weights, self._masks)  # pyright: ignore[reportPrivateImportUsage]


def weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights that can be masked, by layer: those of convolutions and linear layers."""
    return {
        name: part.weight
        for name, part in module.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
    }


def mask_smallest(module: nn.Module, sparsity: float, scope: Scope) -> None:
    """Set the smallest weights of a net to zero, until the share `sparsity` of all is zero.

    `global` ranks the weights of all layers together, `layer` masks the same share of each. Ties
    fall to the earlier weight, so that the count is exact.
    """
    layers = weights(module)
    with torch.no_grad():
        if scope == "layer":
            for weight in layers.values():
                _zero(weight, _smallest(weight.abs().reshape(-1), sparsity))
            return
        sizes = [weight.numel() for weight in layers.values()]
        flat = torch.cat([weight.abs().reshape(-1) for weight in layers.values()])
        masked = _smallest(flat, sparsity).split(sizes)
        for weight, mask in zip(layers.values(), masked, strict=True):
            _zero(weight, mask)


def sparsity_by_layer(module: nn.Module) -> dict[str, float]:
    """The share of zeros among the weights of each layer."""
    return {name: float((weight == 0).float().mean()) for name, weight in weights(module).items()}


def sparsity(module: nn.Module) -> float:
    """The share of zeros among all weights that can be masked."""
    return share(sparsity_by_layer(module), weights(module))


def share(by_layer: Mapping[str, float], layers: Mapping[str, Tensor]) -> float:
    """The mean of a share by layer, each weighted by its size."""
    total = sum(weight.numel() for weight in layers.values())
    return sum(by_layer[name] * weight.numel() for name, weight in layers.items()) / total


def _smallest(magnitudes: Tensor, sparsity: float) -> Tensor:
    """Which of a flat tensor are the smallest share."""
    count = round(sparsity * magnitudes.numel())
    masked = torch.zeros_like(magnitudes, dtype=torch.bool)
    # On the CPU a stable sort gives the same order everywhere.
    order = torch.argsort(magnitudes.cpu(), stable=True)[:count]
    masked[order.to(masked.device)] = True
    return masked


def _zero(weight: Tensor, mask: Tensor) -> None:
    weight[mask.reshape(weight.shape)] = 0

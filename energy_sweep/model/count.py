"""The size of a network and the arithmetic of one image, counted as its layers run.

Torch's own FLOP counter takes no account of groups, so it is wrong for depthwise convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from energy_sweep.model.base import count_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Parameters, and multiply-accumulates of convolutions and linear layers per image."""

    parameters: int
    macs: int


def macs_of(layer: nn.Module, output: Tensor) -> int:
    """Multiply-accumulates that a layer took to make `output`; 0 for those that have none."""
    if isinstance(layer, nn.Conv2d):
        return output.numel() * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
    return output.numel() * layer.in_features if isinstance(layer, nn.Linear) else 0


def count(module: nn.Module, shape: tuple[int, int, int]) -> Count:
    """Counts of `module` for one image of `shape` (C, H, W); the module stays as it is."""
    macs = 0

    def add(part: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal macs
        macs += macs_of(part, output)

    kinds = (nn.Conv2d, nn.Linear)
    counted = [part for part in module.modules() if isinstance(part, kinds)]
    handles = [part.register_forward_hook(add) for part in counted]
    modes = [(part, part.training) for part in module.modules()]
    some = next(module.parameters())
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *shape, device=some.device, dtype=some.dtype))
    finally:
        for handle in handles:
            handle.remove()
        for part, training in modes:
            part.training = training
    return Count(parameters=count_parameters(module), macs=macs)

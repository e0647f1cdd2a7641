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


def count(module: nn.Module, shape: tuple[int, int, int]) -> Count:
    """Counts of `module` for one image of `shape` (C, H, W); the module stays as it is."""
    macs = 0

    def add(part: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal macs
        if isinstance(part, nn.Conv2d):
            macs += output.numel() * part.in_channels // part.groups * math.prod(part.kernel_size)
        elif isinstance(part, nn.Linear):
            macs += output.numel() * part.in_features

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

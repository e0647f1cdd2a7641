"""The size of a network and the arithmetic of one image, counted as its layers run.

Torch's own FLOP counter takes no account of groups, so it is wrong for depthwise convolutions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from energy_sweep.model.base import Model, count_parameters

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Parameters, multiply-accumulates of convolutions and linear layers per image, and bytes.

    `weight_bytes` are those of parameters and of what norms remember, in float32 as deployed.
    """

    parameters: int
    macs: int
    weight_bytes: int


@functools.lru_cache(maxsize=256)
def count_dense(model: Model, shape: tuple[int, int, int], classes: int) -> Count:
    """Counts of the net that `model` builds, from shapes alone: nothing is drawn or downloaded.

    A net of the user's that needs real numbers to be built is built with them, and what is wrong
    with it shows there.
    """
    return _of_dense(lambda module: count(module, shape), model, shape, classes)


@functools.lru_cache(maxsize=256)
def layer_sizes(model: Model, shape: tuple[int, int, int], classes: int) -> Mapping[str, int]:
    """How many weights each convolution and linear layer of the same net has, in its order."""
    return _of_dense(_layer_sizes, model, shape, classes)


def _layer_sizes(module: nn.Module) -> Mapping[str, int]:
    kinds = (nn.Conv2d, nn.Linear)
    found = ((name, part) for name, part in module.named_modules() if isinstance(part, kinds))
    return {name: part.weight.numel() for name, part in found}


def _of_dense(
    figure: Callable[[nn.Module], T], model: Model, shape: tuple[int, int, int], classes: int
) -> T:
    try:
        with torch.device("meta"):
            return figure(model.build(shape, classes))
    except Exception:  # whatever the code of a user says to a tensor without numbers
        with torch.random.fork_rng(devices=[]):
            return figure(model.build(shape, classes))


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
    floats = [value for value in module.state_dict().values() if value.is_floating_point()]
    return Count(
        parameters=count_parameters(module),
        macs=macs,
        weight_bytes=4 * sum(value.numel() for value in floats),
    )

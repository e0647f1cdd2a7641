"""What several families offer: activations and norms by name, and the checks of their dials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from energy_sweep.record import BadInput

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": lambda: nn.SiLU(inplace=True),
    "hardswish": lambda: nn.Hardswish(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(inplace=True),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
NORMS = ("batch", "group", "none")
STEMS = ("cifar", "imagenet")
GROUPS = 32
GROUP_CHANNELS = 8  # fewer would leave next to nothing to normalise where images are 1 pixel


class FittedGroupNorm(nn.GroupNorm):
    """Group norm with the most groups, up to 32, that split its channels into 8 or more each.

    The groups follow from the channels at hand, so that a pruned network needs no others.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels)

    def forward(self, input: Tensor) -> Tensor:
        groups = fitting_groups(self.num_channels)
        return functional.group_norm(input, groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_channels} channels in {fitting_groups(self.num_channels)} groups"


def fitting_groups(channels: int) -> int:
    """How many groups `channels` are split into by a group norm."""
    most = min(GROUPS, channels // GROUP_CHANNELS)
    return next((groups for groups in range(most, 1, -1) if channels % groups == 0), 1)


def activation(name: str) -> nn.Module:
    """A new activation of that name."""
    return ACTIVATIONS[name]()


def norm(name: str, channels: int) -> nn.Module:
    """A new norm of that name; `none` is an identity."""
    if name == "batch":
        return nn.BatchNorm2d(channels)
    return FittedGroupNorm(channels) if name == "group" else nn.Identity()


def add_biases(module: nn.Module) -> None:
    """Give every convolution a bias of zeros, which it needs where no norm behind it has one."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and part.bias is None:
            part.bias = nn.Parameter(torch.zeros_like(part.weight[:, 0, 0, 0]))


def take_channels(module: nn.Module, name: str, channels: int) -> None:
    """Let the convolution called `name` take `channels` inputs, with weights drawn anew."""
    part = module.get_submodule(name)
    if not isinstance(part, nn.Conv2d) or part.in_channels == channels:
        return
    part.in_channels = channels
    part.weight = nn.Parameter(torch.empty(part.out_channels, channels, *part.kernel_size))
    nn.init.kaiming_normal_(part.weight, mode="fan_out")


def keep_small_images(module: nn.Module) -> None:
    """Take the first two halvings of an ImageNet network away, as CIFAR variants do."""
    halvings = [
        part
        for part in module.modules()
        if isinstance(part, nn.Conv2d) and tuple(part.stride) == (2, 2)
    ]
    for part in halvings[:2]:
        part.stride = (1, 1)


def check_choice(dial: str, value: str, choices: Iterable[str]) -> None:
    """Raise BadInput unless `value` is one of `choices`."""
    known = tuple(choices)
    if value not in known:
        raise BadInput(f"model.{dial}={value}: type model.{dial}={'|'.join(known)}")


def check_multiplier(dial: str, value: float) -> None:
    """Raise BadInput unless `value` can multiply channels."""
    if not (math.isfinite(value) and value > 0):
        raise BadInput(f"model.{dial}={value}: type a number above 0, such as model.{dial}=0.5")

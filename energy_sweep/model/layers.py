"""What several families offer: activations and norms by name, and the checks of their dials."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from energy_sweep.record import BadInput
from energy_sweep.record.bounds import check_positive

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
        groups = count_groups(self.num_channels)
        return functional.group_norm(input, groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_channels} channels in {count_groups(self.num_channels)} groups"


class Heads(nn.ModuleList):
    """Classifiers that read the same features; their logits are averaged."""

    def forward(self, features: Tensor) -> Tensor:
        return functools.reduce(torch.add, [head(features) for head in self]) / len(self)


def add_heads(module: nn.Module, number: int) -> None:
    """Make the last linear layer one of `number` heads; the others start from other weights."""
    if number == 1:
        return
    *_, (name, first) = [
        (name, part) for name, part in module.named_modules() if isinstance(part, nn.Linear)
    ]
    others = [nn.Linear(first.in_features, first.out_features) for _ in range(number - 1)]
    module.set_submodule(name, Heads([first, *others]))


def count_groups(channels: int) -> int:
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


def scale_channels(channels: int, width: float) -> int:
    """`channels` times `width`, as a multiple of 8 of at least 8."""
    return max(8, 8 * round(channels * width / 8))


def adapt(
    module: nn.Module, channels: int, *, stem: str, norm: str, activation: str | None
) -> None:
    """Make a net of inverted residuals, as torchvision builds it, the one that is asked for.

    Without an `activation`, those that it has stay.
    """
    if norm == "none":
        init_without_norms(module)
    if activation is not None:
        replace_activations(module, activation)
    set_input_channels(module, "features.0.0", channels)
    if stem == "cifar":
        remove_halvings(module)


def replace_activations(module: nn.Module, name: str) -> None:
    """Let every activation of `module` be one called `name`; squeezes keep their gates."""
    from torchvision.ops.misc import SqueezeExcitation

    for place, part in module.named_children():
        if isinstance(part, nn.ReLU | nn.ReLU6 | nn.SiLU | nn.Hardswish):
            setattr(module, place, activation(name))
        elif isinstance(part, nn.Dropout):
            # In place it would overwrite the output that some activations need for their gradient.
            part.inplace = False
        elif not isinstance(part, SqueezeExcitation):
            replace_activations(part, name)


def init_without_norms(module: nn.Module) -> None:
    """Start a net that nothing normalises so that its signals neither grow nor fade with depth."""
    from torchvision.ops.misc import SqueezeExcitation

    ends = [end.weight for end in _branch_ends(module)]
    gates = [part.fc2 for part in module.modules() if isinstance(part, SqueezeExcitation)]
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is None:
                # Which no norm behind it has.
                part.bias = nn.Parameter(torch.zeros_like(part.weight[:, 0, 0, 0]))
    for gate in gates:
        # Almost open: each gate in a row would halve the signal.
        nn.init.constant_(cast("Tensor", gate.bias), 2.0)
    for weight in ends:
        # Every block starts as its shortcut: sums would grow with depth.
        nn.init.zeros_(weight)


def _branch_ends(module: nn.Module) -> Iterator[Any]:
    """The last convolution of every branch of torchvision's blocks that adds to its input."""
    for part in module.modules():
        if getattr(part, "use_res_connect", False):
            yield [inner for inner in part.modules() if isinstance(inner, nn.Conv2d)][-1]
        elif hasattr(part, "downsample"):
            yield getattr(part, "conv3", part.conv2)


def set_input_channels(module: nn.Module, name: str, channels: int) -> None:
    """Let the convolution called `name` take `channels` inputs, with weights drawn anew."""
    part = module.get_submodule(name)
    if not isinstance(part, nn.Conv2d) or part.in_channels == channels:
        return
    part.in_channels = channels
    part.weight = nn.Parameter(torch.empty(part.out_channels, channels, *part.kernel_size))
    nn.init.kaiming_normal_(part.weight, mode="fan_out")


def remove_halvings(module: nn.Module) -> None:
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
    check_positive(f"model.{dial}", value, example=0.5)

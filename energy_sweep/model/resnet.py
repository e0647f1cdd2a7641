"""Residual networks (He et al. 2015) of torchvision's blocks, under torchvision's names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from energy_sweep.model.layers import (
    ACTIVATIONS,
    NORMS,
    STEMS,
    activation,
    add_biases,
    check_choice,
    check_multiplier,
    norm,
)

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet:
    """`resnet18` or `resnet50`; `width` multiplies channels, which stay multiples of 8.

    The `cifar` stem is one 3x3 convolution, the `imagenet` stem divides the side by 4.
    """

    name: str = "resnet18"
    width: float = 1.0
    stem: str = "cifar"
    norm: str = "batch"
    activation: str = "relu"

    def __post_init__(self) -> None:
        check_choice("name", self.name, BLOCKS)
        check_multiplier("width", self.width)
        # So that 1 and 1.0 are one configuration.
        object.__setattr__(self, "width", float(self.width))
        check_choice("stem", self.stem, STEMS)
        check_choice("norm", self.norm, NORMS)
        check_choice("activation", self.activation, ACTIVATIONS)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for images of `shape` (C, H, W)."""
        make_norm = partial(norm, self.norm)
        planes = [self._scaled(64 * 2**stage) for stage in range(4)]
        layers = _stem(shape[0], planes[0], make_norm, cifar=self.stem == "cifar")
        inputs = planes[0]
        for index, (width, count) in enumerate(zip(planes, BLOCKS[self.name], strict=True)):
            stage = _stage(
                self._block(), inputs, width, count, stride=1 if index == 0 else 2, norm=make_norm
            )
            layers[f"layer{index + 1}"] = stage
            inputs = width * self._block().expansion
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["fc"] = nn.Linear(inputs, classes)
        module = nn.Sequential(layers)
        _initialise(module)
        if self.norm == "none":
            add_biases(module)
            _silence_branches(module)
        for name, part in list(module.named_modules()):
            if isinstance(part, nn.ReLU):
                module.set_submodule(name, activation(self.activation))
        return module

    def _scaled(self, channels: int) -> int:
        return max(8, 8 * round(channels * self.width / 8))

    def _block(self) -> Any:
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision.models.resnet import BasicBlock, Bottleneck

        return BasicBlock if self.name == "resnet18" else Bottleneck


def _stem(
    channels: int, width: int, make_norm: Callable[[int], nn.Module], *, cifar: bool
) -> OrderedDict[str, nn.Module]:
    kernel, stride = (3, 1) if cifar else (7, 2)
    return OrderedDict(
        conv1=nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False),
        bn1=make_norm(width),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1),
    )


def _stage(
    block: Any,
    inputs: int,
    width: int,
    count: int,
    *,
    stride: int,
    norm: Callable[[int], nn.Module],
) -> nn.Sequential:
    outputs = width * block.expansion
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False),
            norm(outputs),
        )
    first = block(inputs, width, stride, shortcut, norm_layer=norm)
    rest = [block(outputs, width, norm_layer=norm) for _ in range(count - 1)]
    return nn.Sequential(first, *rest)


def _initialise(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def _silence_branches(module: nn.Module) -> None:
    """Start every block as its shortcut: sums that nothing normalises would grow with depth."""
    for part in module.modules():
        last = getattr(part, "conv3", getattr(part, "conv2", None))
        if isinstance(last, nn.Conv2d):
            nn.init.zeros_(last.weight)

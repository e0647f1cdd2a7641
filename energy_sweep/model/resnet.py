"""Residual networks (He et al. 2015) of torchvision's blocks, under torchvision's names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import nn

from energy_sweep.model.family import VisionFamily
from energy_sweep.model.layers import (
    check_multiplier,
    init_without_norms,
    norm,
    replace_activations,
    scale_channels,
)

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet(VisionFamily):
    """`resnet18` or `resnet50`; `width` multiplies channels, which stay multiples of 8.

    `depth` multiplies the blocks of each stage, of which at least one stays. The `cifar` stem is
    one 3x3 convolution, the `imagenet` stem divides the side by 4.
    """

    names: ClassVar[tuple[str, ...]] = tuple(BLOCKS)

    name: str = "resnet18"
    depth: float = 1.0

    def __post_init__(self) -> None:
        VisionFamily.__post_init__(self)
        check_multiplier("depth", self.depth)

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier."""
        make_norm = partial(norm, self.norm)
        planes = [scale_channels(64 * 2**stage, self.width) for stage in range(4)]
        layers = _stem(shape[0], planes[0], make_norm, cifar=self.stem == "cifar")
        inputs = planes[0]
        for index, (width, published) in enumerate(zip(planes, BLOCKS[self.name], strict=True)):
            count = max(1, round(published * self.depth))
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
            init_without_norms(module)
        replace_activations(module, self.activation)
        return module

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

"""GoogLeNet (Szegedy et al. 2014) of torchvision's Inception blocks; no auxiliary classifiers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import nn

from energy_sweep.model.family import VisionFamily
from energy_sweep.model.layers import activation, init_without_norms, norm, scale_channels

# Of each Inception block: 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5 (torchvision filters 3x3 here,
# and so do its weights); channels of the pooled branch (table 1 of the paper).
STAGES = {
    "3": ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    "4": (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    "5": ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
}
NORM_EPSILON = 1e-3  # torchvision's


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogLeNet(VisionFamily):
    """`googlenet`; `width` multiplies channels, which stay multiples of 8.

    The `cifar` stem starts with a 3x3 convolution and goes without the first two halvings.
    """

    names: ClassVar[tuple[str, ...]] = ("googlenet",)

    name: str = "googlenet"

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier."""
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision.models.googlenet import Inception

        halvings = _Halvings(min(shape[1:]))
        wide = partial(scale_channels, width=self.width)
        layers = self._stem(shape[0], wide, halvings)
        inputs = wide(192)
        for stage, blocks in STAGES.items():
            for letter, channels in zip("abcde", blocks, strict=False):
                sizes = [wide(size) for size in channels]
                layers[f"inception{stage}{letter}"] = Inception(
                    inputs, *sizes, conv_block=self._convolution
                )
                inputs = sizes[0] + sizes[2] + sizes[4] + sizes[5]
            if stage != "5":
                layers[f"maxpool{stage}"] = halvings.pool(3 if stage == "3" else 2)
        layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        layers |= {"dropout": nn.Dropout(0.2), "fc": nn.Linear(inputs, classes)}
        module = nn.Sequential(layers)
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if self.norm == "none":
            init_without_norms(module)
        return module

    def _stem(self, channels: int, wide: Any, halvings: _Halvings) -> OrderedDict[str, nn.Module]:
        cifar = self.stem == "cifar"
        kernel, stride = (3, 1) if cifar else (7, halvings.stride())
        return OrderedDict(
            conv1=self._convolution(
                channels, wide(64), kernel_size=kernel, stride=stride, padding=kernel // 2
            ),
            maxpool1=nn.Identity() if cifar else halvings.pool(3),
            conv2=self._convolution(wide(64), wide(64), kernel_size=1),
            conv3=self._convolution(wide(64), wide(192), kernel_size=3, padding=1),
            maxpool2=halvings.pool(3),
        )

    def _convolution(self, inputs: int, outputs: int, **settings: Any) -> nn.Module:
        bn = norm(self.norm, outputs)
        if isinstance(bn, nn.BatchNorm2d):
            bn.eps = NORM_EPSILON
        conv = nn.Conv2d(inputs, outputs, bias=False, **settings)
        return nn.Sequential(OrderedDict(conv=conv, bn=bn, act=activation(self.activation)))


class _Halvings:
    """Halves the side as torchvision does, for as long as there is more than 1 pixel."""

    def __init__(self, side: int) -> None:
        self.side = side

    def stride(self) -> int:
        self.side = (self.side + 1) // 2
        return 2

    def pool(self, kernel: int) -> nn.Module:
        if self.side == 1:
            return nn.Identity()
        self.side = max(1, (self.side - kernel + 1) // 2 + 1)
        return nn.MaxPool2d(kernel, 2, ceil_mode=True)

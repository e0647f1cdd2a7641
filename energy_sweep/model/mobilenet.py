"""MobileNets (Sandler et al. 2018, Howard et al. 2019), as torchvision builds them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from energy_sweep.model.layers import (
    STEMS,
    check_choice,
    check_multiplier,
    keep_small_images,
    take_channels,
)

NAMES = ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")
# Torchvision's .01 for v3 would leave norms at where they start in trials of a few epochs.
NORM_MOMENTUM = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNet:
    """`mobilenet_v2`, `mobilenet_v3_small` or `mobilenet_v3_large`; `width` multiplies channels.

    The `cifar` stem goes without the first two halvings, the `imagenet` stem is torchvision's.
    """

    name: str = "mobilenet_v2"
    width: float = 1.0
    stem: str = "cifar"

    def __post_init__(self) -> None:
        check_choice("name", self.name, NAMES)
        check_multiplier("width", self.width)
        # So that 1 and 1.0 are one configuration.
        object.__setattr__(self, "width", float(self.width))
        check_choice("stem", self.stem, STEMS)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for images of `shape` (C, H, W)."""
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision import models

        make = getattr(models, self.name)
        module: nn.Module = make(weights=None, num_classes=classes, width_mult=self.width)
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = NORM_MOMENTUM
        take_channels(module, "features.0.0", shape[0])
        if self.stem == "cifar":
            keep_small_images(module)
        return module

"""MobileNets (Sandler et al. 2018, Howard et al. 2019), as torchvision builds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import nn

from energy_sweep.model.family import VisionFamily
from energy_sweep.model.layers import ACTIVATIONS, adapt, norm

# Torchvision's .01 for v3 would leave norms at where they start in trials of a few epochs.
NORM_MOMENTUM = 0.1
PUBLISHED = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNet(VisionFamily):
    """`mobilenet_v2`, `mobilenet_v3_small` or `mobilenet_v3_large`; `width` multiplies channels.

    The `cifar` stem goes without the first two halvings, the `imagenet` stem is torchvision's.
    The `default` activations are those of the papers: ReLU up to 6, or ReLU and hard swish.
    """

    names: ClassVar[tuple[str, ...]] = ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")
    activations: ClassVar[tuple[str, ...]] = (PUBLISHED, *ACTIVATIONS)

    name: str = "mobilenet_v2"
    activation: str = PUBLISHED

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier."""
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision import models

        make = getattr(models, self.name)
        settings: dict[str, Any] = {"num_classes": classes, "width_mult": self.width}
        if self.norm != "batch":
            settings["norm_layer"] = partial(norm, self.norm)
        module: nn.Module = make(weights=None, **settings)
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = NORM_MOMENTUM
        chosen = None if self.activation == PUBLISHED else self.activation
        adapt(module, shape[0], stem=self.stem, norm=self.norm, activation=chosen)
        return module

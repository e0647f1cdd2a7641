"""EfficientNets (Tan and Le 2019) of torchvision's blocks, and what lies between them by `phi`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from energy_sweep.model.layers import (
    STEMS,
    check_choice,
    check_multiplier,
    keep_small_images,
    take_channels,
)
from energy_sweep.record import BadInput

# Of width and depth, and the dropout before the classifier.
SCALES = {
    "efficientnet_b0": (1.0, 1.0, 0.2),
    "efficientnet_b1": (1.0, 1.1, 0.2),
    "efficientnet_b2": (1.1, 1.2, 0.3),
}
WIDTH_PER_PHI, DEPTH_PER_PHI = 1.1, 1.2
# Of each stage of b0: expansion, kernel, stride, inputs, outputs, blocks (table 1 of the paper).
STAGES = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficientNet:
    """`efficientnet_b0` to `b2`; `width` multiplies channels, `phi` scales width and depth.

    The `cifar` stem goes without the first two halvings, the `imagenet` stem is torchvision's.
    """

    name: str = "efficientnet_b0"
    width: float = 1.0
    phi: float = 0.0
    stem: str = "cifar"

    def __post_init__(self) -> None:
        check_choice("name", self.name, SCALES)
        check_multiplier("width", self.width)
        # So that 1 and 1.0 are one configuration.
        object.__setattr__(self, "width", float(self.width))
        check_choice("stem", self.stem, STEMS)
        if not (math.isfinite(self.phi) and abs(self.phi) <= 7):
            raise BadInput(f"model.phi={self.phi}: type a number from -7 to 7, such as model.phi=1")
        object.__setattr__(self, "phi", float(self.phi))

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for images of `shape` (C, H, W)."""
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision.models import efficientnet

        wide, deep, dropout = SCALES[self.name]
        wide *= self.width * WIDTH_PER_PHI**self.phi
        deep *= DEPTH_PER_PHI**self.phi
        stages = [
            efficientnet.MBConvConfig(*stage, width_mult=wide, depth_mult=deep) for stage in STAGES
        ]
        module = efficientnet.EfficientNet(stages, dropout, num_classes=classes)
        take_channels(module, "features.0.0", shape[0])
        if self.stem == "cifar":
            keep_small_images(module)
        return module

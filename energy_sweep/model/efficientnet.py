"""EfficientNets (Tan and Le 2019) of torchvision's blocks, and what lies between them by `phi`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import nn

from energy_sweep.model.family import VisionFamily
from energy_sweep.model.layers import adapt, norm
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
class EfficientNet(VisionFamily):
    """`efficientnet_b0` to `b2`; `width` multiplies channels, `phi` scales width and depth.

    The `cifar` stem goes without the first two halvings, the `imagenet` stem is torchvision's.
    """

    names: ClassVar[tuple[str, ...]] = tuple(SCALES)

    name: str = "efficientnet_b0"
    activation: str = "silu"
    phi: float = 0.0

    def __post_init__(self) -> None:
        VisionFamily.__post_init__(self)
        if not (math.isfinite(self.phi) and abs(self.phi) <= 7):
            raise BadInput(f"model.phi={self.phi}: type a number from -7 to 7, such as model.phi=1")

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier."""
        # Importing torchvision takes as long as a short trial, so planning goes without.
        from torchvision.models import efficientnet

        wide, deep, dropout = SCALES[self.name]
        wide *= self.width * WIDTH_PER_PHI**self.phi
        deep *= DEPTH_PER_PHI**self.phi
        stages = [
            efficientnet.MBConvConfig(*stage, width_mult=wide, depth_mult=deep) for stage in STAGES
        ]
        module = efficientnet.EfficientNet(
            stages, dropout, num_classes=classes, norm_layer=partial(norm, self.norm)
        )
        adapt(module, shape[0], stem=self.stem, norm=self.norm, activation=self.activation)
        return module

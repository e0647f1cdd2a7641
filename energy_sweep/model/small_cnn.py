"""A plain convolutional network: 3x3 convolutions with batch norm, pooling, one classifier."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallCNN:
    """`depth` blocks: the first has `width` channels, the others twice as many and halve the side
    while it is above 2 pixels."""

    name: str = "small_cnn"
    width: int = 32
    depth: int = 4

    def __post_init__(self) -> None:
        for dial in ("width", "depth"):
            if getattr(self, dial) < 1:
                raise BadInput(
                    f"model.{dial}={getattr(self, dial)}: type a whole number of at least 1, "
                    f"such as model.{dial}=4"
                )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network for images of `shape` (C, H, W)."""
        channels, side = shape[0], min(shape[1:])
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(self.depth):
            wider = self.width if index == 0 else 2 * self.width
            halve = index > 0 and side > 2
            layers[f"block{index + 1}"] = _block(channels, wider, halve=halve)
            channels, side = wider, side // 2 if halve else side
        layers["pool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["classifier"] = nn.Linear(channels, classes)
        return nn.Sequential(layers)


def _block(inputs: int, outputs: int, *, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(outputs),
        relu=nn.ReLU(inplace=True),
    )
    if halve:
        layers["halve"] = nn.MaxPool2d(2)
    return nn.Sequential(layers)

"""A plain convolutional network: 3x3 convolutions with norms, pooling, one classifier."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from energy_sweep.model.family import Family
from energy_sweep.model.layers import ACTIVATIONS, NORMS, activation, check_choice, norm
from energy_sweep.record import BadInput
from energy_sweep.record.bounds import check_count

CONVS = ("standard", "depthwise_separable")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallCNN(Family):
    """`depth` blocks: the first has `width` channels, the others twice as many and halve the side
    while it is above 2 pixels.

    With `conv=depthwise_separable` all blocks but the first filter each channel by itself, then
    mix channels at each pixel (Howard et al. 2017).
    """

    channels_per_width: ClassVar[int] = 2  # of all layers but the first
    name: str = "small_cnn"
    width: int = 32
    depth: int = 4
    norm: str = "batch"
    activation: str = "relu"
    conv: str = "standard"

    def __post_init__(self) -> None:
        Family.__post_init__(self)
        for dial in ("width", "depth"):
            check_count(f"model.{dial}", getattr(self, dial), example=4)
        check_choice("norm", self.norm, NORMS)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("conv", self.conv, CONVS)
        if self.conv == "depthwise_separable" and self.depth == 1:
            raise BadInput(
                "model.conv=depthwise_separable leaves the first block as it is: "
                "type model.depth=2 or more, or model.conv=standard"
            )

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier."""
        channels, side = shape[0], min(shape[1:])
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(self.depth):
            wider = self.width if index == 0 else 2 * self.width
            halve = index > 0 and side > 2
            layers[f"block{index + 1}"] = self._block(channels, wider, first=index == 0)
            if halve:
                layers[f"block{index + 1}"].add_module("halve", nn.MaxPool2d(2))
            channels, side = wider, side // 2 if halve else side
        layers["pool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["classifier"] = nn.Linear(channels, classes)
        return nn.Sequential(layers)

    def _block(self, inputs: int, outputs: int, *, first: bool) -> nn.Sequential:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        bias, mix = self.norm == "none", 3
        if self.conv == "depthwise_separable" and not first:
            layers["depthwise"] = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=bias)
            layers["depthwise_norm"] = norm(self.norm, inputs)
            layers["depthwise_activation"] = activation(self.activation)
            mix = 1
        layers["conv"] = nn.Conv2d(inputs, outputs, mix, padding=mix // 2, bias=bias)
        layers["norm"] = norm(self.norm, outputs)
        layers["activation"] = activation(self.activation)
        return nn.Sequential(layers)

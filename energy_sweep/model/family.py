"""What families have in common: several classifiers on one body, and torchvision's dials."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from energy_sweep.model.layers import (
    ACTIVATIONS,
    NORMS,
    STEMS,
    add_heads,
    check_choice,
    check_multiplier,
)
from energy_sweep.model.weights import load_imagenet
from energy_sweep.record import BadInput
from energy_sweep.record.bounds import check_count

WEIGHTS = ("none", "imagenet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A network family: `heads` linear classifiers on one body, whose logits are averaged."""

    name: str
    heads: int = 1

    def __post_init__(self) -> None:
        check_count("model.heads", self.heads, example=2)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network from images [N, C, H, W] of `shape` (C, H, W) to logits [N, classes]."""
        module = self.single(shape, classes)
        add_heads(module, self.heads)
        return module

    def single(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network with one classifier, which is its last linear layer."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionFamily(Family):
    """A family that torchvision has too, under torchvision's names of layers.

    `width` multiplies channels. `weights=imagenet` starts from torchvision's trained weights
    wherever names and shapes agree; other layers start anew.
    """

    names: ClassVar[tuple[str, ...]] = ()
    activations: ClassVar[tuple[str, ...]] = tuple(ACTIVATIONS)

    width: float = 1.0
    stem: str = "cifar"
    norm: str = "batch"
    activation: str = "relu"
    weights: str = "none"

    def __post_init__(self) -> None:
        # The zero-argument super() does not survive the class that slots=True builds anew.
        Family.__post_init__(self)
        check_choice("name", self.name, self.names)
        for part in dataclasses.fields(self):
            if isinstance(part.default, float):
                self._make_float(part.name)
        check_multiplier("width", self.width)
        check_choice("stem", self.stem, STEMS)
        check_choice("norm", self.norm, NORMS)
        check_choice("activation", self.activation, self.activations)
        check_choice("weights", self.weights, WEIGHTS)
        if self.weights != "none":
            self._check_published()

    def _make_float(self, dial: str) -> None:
        # So that 1 and 1.0 are one configuration.
        object.__setattr__(self, dial, float(getattr(self, dial)))

    def _check_published(self) -> None:
        """Raise BadInput for a dial that makes another net than the one that was trained."""
        for part in dataclasses.fields(self):
            value = getattr(self, part.name)
            is_free = part.name in ("name", "heads", "stem", "weights")
            if not is_free and value != part.default:
                raise BadInput(
                    f"model.weights={self.weights} was trained with model.{part.name}="
                    f"{part.default:{_style(value)}}, not {value:{_style(value)}}: leave"
                    f" model.{part.name} out, or type model.weights=none"
                )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network from images [N, C, H, W] of `shape` (C, H, W) to logits [N, classes]."""
        module = self.single(shape, classes)
        if self.weights == "imagenet":
            load_imagenet(module, self.name)
        add_heads(module, self.heads)
        return module


def _style(value: object) -> str:
    return "g" if isinstance(value, float) else ""

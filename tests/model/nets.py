"""Nets of every family for the tests, small enough to be built, trained and exported in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.layers import ACTIVATIONS
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import CONVS, SmallCNN

SHAPE = (3, 32, 32)
MOBILENETS = [
    MobileNet(name=name, width=0.25)
    for name in ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")
]
# One net of each family, which every check sees; of small_cnn it sees all (IN_FULL).
SMALL: list[Any] = [
    SmallCNN(width=8),
    SmallCNN(width=8, conv="depthwise_separable"),
    ResNet(width=0.25),
    *MOBILENETS[:2],
    EfficientNet(width=0.25),
    GoogLeNet(width=0.25),
]
LARGE: list[Any] = [
    ResNet(name="resnet50", width=0.25),
    MOBILENETS[2],
    *(EfficientNet(name=f"efficientnet_b{index}", width=0.25) for index in (1, 2)),
]
PRUNED_LATER: list[Any] = [
    family(norm=norm, **size)
    for family, size in (
        (SmallCNN, {"width": 8}),
        (ResNet, {"width": 0.25}),
        (MobileNet, {"width": 0.25}),
        (EfficientNet, {"width": 0.25, "phi": -7.0}),
        (GoogLeNet, {"width": 0.25}),
    )
    for norm in ("group", "none")
]
IN_FULL: list[Any] = [
    SmallCNN(width=8, conv=conv, norm=norm, activation=activation)
    for conv in CONVS
    for norm in ("batch", "group", "none")
    for activation in ACTIVATIONS
]


def with_every_dial(model: Any) -> list[Any]:
    """The net with each of its dials at each other value, one at a time."""
    dials: dict[str, Any] = {
        "norm": ("group", "none"),
        "activation": tuple(ACTIVATIONS),
        "stem": ("imagenet",),
        "heads": (3,),
        "width": (0.5,),
        "depth": (0.5,),
        "phi": (-1.0, 1.0),
    }
    return [
        replace(model, **{dial: value})
        for dial, values in dials.items()
        for value in values
        if getattr(model, dial, value) != value
    ]


def marked(models: list[Any]) -> list[Any]:
    """Nets for `make contracts` only."""
    return [pytest.param(model, marks=pytest.mark.contracts) for model in models]


MATRIX = marked(LARGE) + [
    varied for model in (*SMALL[2:], *LARGE) for varied in marked(with_every_dial(model))
]
# An export takes seconds, and an activation is a node like any other: small_cnn shows each of them.
EXPORT_MATRIX = [
    case
    for case in (*marked(SMALL[2:]), *marked(IN_FULL), *MATRIX)
    if isinstance(case.values[0], SmallCNN)
    or case.values[0].activation == type(case.values[0])().activation
]
NETS: list[Any] = [*IN_FULL, *SMALL[2:], *PRUNED_LATER[2:], *MATRIX]


def title(model: Any) -> str:
    dials = ("norm", "activation", "conv", "stem", "width", "depth", "phi", "heads")
    return "-".join([model.name, *(str(getattr(model, dial, "")) for dial in dials)])


def build(model: Any, shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model.build(shape, 10)


def images(shape: tuple[int, int, int] = SHAPE, number: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, *shape, generator=generator)


def settle(module: nn.Module, shape: tuple[int, int, int] = SHAPE) -> nn.Module:
    """Let norms see images, so that the answers in eval mode are of a usual size."""
    with torch.no_grad():
        for _ in range(3):
            module.train()(images(shape, 16))
    return module.eval()

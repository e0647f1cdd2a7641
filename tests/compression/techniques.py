"""Every technique, and nets of every family, for the suites of this folder."""

from __future__ import annotations

from typing import Any

from energy_sweep.compression import (
    Distill,
    Halve,
    LowRank,
    Magnitude,
    Prune,
    Qat,
    Quantize,
    Sparse,
    Technique,
    WeightOnly,
)
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN

TECHNIQUES: list[Technique] = [
    Prune(),
    Prune(importance="taylor"),
    Prune(iterations=3),
    Magnitude(),
    Magnitude(scope="layer"),
    Magnitude(iterations=2, recover_epochs=2),
    Magnitude(act="during"),
    Sparse(),
    Sparse(spread="uniform"),
    LowRank(),
    Distill(),
    Quantize(calibration="minmax", images=32, tolerance=1.0),
    Quantize(calibration="percentile", images=32, tolerance=1.0),
    Quantize(calibration="entropy", images=32, tolerance=1.0),
    Qat(calibration="minmax", images=32, tolerance=1.0),
    WeightOnly(),
    Halve(),
]
USUAL: list[Any] = [SmallCNN(width=16), ResNet(width=0.25)]
FAMILIES: list[Any] = [
    MobileNet(name="mobilenet_v2", width=0.25),
    MobileNet(name="mobilenet_v3_small", width=0.25),
    EfficientNet(width=0.25, phi=-7),
    GoogLeNet(width=0.25),
    ResNet(name="resnet50", width=0.25),
]


def title(part: Any) -> str:
    """A technique or a net by its name and what is not usual about it."""
    usual = type(part)(name=part.name) if hasattr(part, "name") else part
    names = [name for name in type(part).__dataclass_fields__ if name != "name"]
    odd = [f"{n}={getattr(part, n)}" for n in names if getattr(part, n) != getattr(usual, n)]
    return "-".join([part.name, *odd])

"""A net whose norms do something, and pixels for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from energy_sweep.compression.prune import Prune
from energy_sweep.model.small_cnn import SmallCNN

SHAPE = (2, 8, 8)
DATA: Any = SimpleNamespace(
    train=SimpleNamespace(
        images=np.random.default_rng(0).integers(0, 17, (20, *SHAPE)).astype(np.uint8)
    ),
    shape=SHAPE,
    mean=(5.0, 6.0),
    std=(6.0, 4.0),
)


def build(*, seed: int = 0, depth: int = 3, classes: int = 10) -> nn.Module:
    """A network whose norms do something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = SmallCNN(width=8, depth=depth).build(SHAPE, classes)
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
                nn.init.uniform_(part.weight, 0.5, 2)
                nn.init.normal_(part.bias)
    return module


def pruned(module: nn.Module, level: float = 0.5) -> nn.Module:
    """The same with fewer channels."""
    return Prune().prepare(module, level, example=torch.zeros(1, *SHAPE))[0]


def cancelling() -> nn.Module:
    """A net whose logits are small differences of large numbers: it needs more than 8 bits."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        twins, classifier = nn.Conv2d(SHAPE[0], 2, 1), nn.Linear(2 * 4, 10)
        nn.init.ones_(twins.weight)
        nn.init.zeros_(twins.bias)
        small = torch.where(torch.rand(10, 4) < 0.5, -1, 1) * 2**-9  # a quarter of the last bit
        large = torch.full_like(small, 1.5)
        classifier.weight.data = torch.cat([large + small, -large], dim=1)
        nn.init.zeros_(classifier.bias)
    return nn.Sequential(twins, nn.AdaptiveAvgPool2d(2), nn.Flatten(), classifier)

"""Counted parameters and arithmetic are those that were published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from energy_sweep.model.base import count_parameters
from energy_sweep.model.count import count, count_dense
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet

KNOWN = [
    (ResNet(name="resnet18", stem="imagenet"), 11_689_512, 1.81),
    (ResNet(name="resnet50", stem="imagenet"), 25_557_032, 4.09),
    (MobileNet(name="mobilenet_v2", stem="imagenet"), 3_504_872, 0.30),
    (MobileNet(name="mobilenet_v3_small", stem="imagenet"), 2_542_856, 0.06),
    (MobileNet(name="mobilenet_v3_large", stem="imagenet"), 5_483_032, 0.22),
    (EfficientNet(name="efficientnet_b0", stem="imagenet"), 5_288_548, 0.39),
    (EfficientNet(name="efficientnet_b1", stem="imagenet"), 7_794_184, 0.57),
    (EfficientNet(name="efficientnet_b2", stem="imagenet"), 9_109_994, 0.66),
    (GoogLeNet(stem="imagenet"), 6_624_904, 1.50),
    (EfficientNet(phi=1, stem="imagenet"), 9_109_994, 0.66),
]


@pytest.mark.parametrize(("model", "parameters", "billions"), KNOWN, ids=lambda v: str(v)[:40])
def test_counts_are_the_published_ones(model: Any, parameters: int, billions: float) -> None:
    with torch.device("meta"):  # shapes alone: nothing is computed
        found = count(model.build((3, 224, 224), 1000), (3, 224, 224))
    assert found.parameters == parameters
    assert round(found.macs / 1e9, 2) == billions


def test_counting_knows_groups_and_leaves_no_trace() -> None:
    module = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(200, 3)
    ).double()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    found = count(module, (4, 5, 5))
    assert found.macs == 8 * 25 * 2 * 9 + 600
    assert found.parameters == count_parameters(module) == 8 * 18 + 8 + 16 + 603
    assert found.weight_bytes == 4 * (found.parameters + 16)  # as float32, with means and variances
    assert module.training and not any(part._forward_hooks for part in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_dense_net_is_counted_from_shapes_alone() -> None:
    model = ResNet(width=0.25, norm="none", heads=2)
    drawn = torch.random.get_rng_state()
    found = count_dense(model, (1, 16, 16), 5)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert found == count(model.build((1, 16, 16), 5), (1, 16, 16))


@dataclass(frozen=True)
class NeedsNumbers:
    """A net that looks at numbers while it is built, which shapes alone do not have."""

    name: str = "needs_numbers"

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        width = int(torch.tensor(3.0).item())
        return nn.Sequential(nn.Conv2d(shape[0], width, 1), nn.Flatten(), nn.LazyLinear(classes))


def test_a_net_that_needs_numbers_is_counted_with_them() -> None:
    assert count_dense(NeedsNumbers(), (1, 2, 2), 5).macs == 4 * 3 + 12 * 5

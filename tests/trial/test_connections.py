"""What is left of a net: counted against its own weights, whatever was done to it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from energy_sweep.compression import LowRank, Magnitude, Prune, Sparse
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import from_json, to_json
from energy_sweep.record.connections import Connections
from energy_sweep.trial.deployment.connections import connections_of

SHAPE, CLASSES = (3, 8, 8), 10
MODEL = SmallCNN(width=8, depth=2)
EXAMPLE = torch.zeros(1, *SHAPE)


def net() -> nn.Module:
    torch.manual_seed(0)
    return MODEL.build(SHAPE, CLASSES)


def sparse() -> nn.Module:
    module = net()
    Sparse(spread="uniform").start(module, 0.5, torch.Generator().manual_seed(1))
    return module


@pytest.mark.parametrize(
    ("made", "share"),
    [
        (sparse, 0.5),
        (lambda: Magnitude().prepare(net(), 0.75, example=EXAMPLE)[0], 0.25),
        (lambda: Prune(channel_multiple=1).prepare(net(), 0.75, example=EXAMPLE)[0], 0.25),
        (lambda: LowRank(channel_multiple=1).prepare(net(), 0.5, example=EXAMPLE)[0], 0.5),
    ],
    ids=["sparse", "magnitude", "prune", "lowrank"],
)
def test_what_is_left_of_all_layers_is_what_the_level_leaves(made: Any, share: float) -> None:
    module = made()
    found = connections_of(module, MODEL, SHAPE, CLASSES)
    assert found is not None
    layers = [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert sum(found.left.values()) == sum(int((one.weight != 0).sum()) for one in layers)
    assert found.dense == {
        name: one.weight.numel()
        for name, one in net().named_modules()
        if isinstance(one, nn.Conv2d | nn.Linear)
    }
    assert sum(found.left.values()) / sum(found.dense.values()) == pytest.approx(share, abs=0.1)
    assert from_json(Connections, to_json(found)) == found


def test_the_first_layer_is_told_kernel_by_kernel() -> None:
    module = sparse()
    found = connections_of(module, MODEL, SHAPE, CLASSES)
    assert found is not None and found.first is not None
    weight = next(one for one in module.modules() if isinstance(one, nn.Conv2d)).weight
    assert (found.first.kind, found.first.shape, found.first.most) == ("kernels", (8, 3, 3), 3)
    left = torch.tensor(found.first.left).reshape(found.first.shape)
    assert torch.equal(left, (weight != 0).sum(dim=1))


def test_a_net_of_linear_layers_is_told_pixel_by_pixel() -> None:
    class Flat:
        name = "flat"

        def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
            return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5), nn.Linear(5, classes))

    module = Flat().build(SHAPE, CLASSES)
    assert connections_of(module, Flat(), SHAPE, CLASSES) is None  # nothing is missing
    with torch.no_grad():
        module[1].weight[:, 64:] = 0  # of the three channels, only the first is looked at
    found = connections_of(module, Flat(), SHAPE, CLASSES)
    assert found is not None and found.first is not None
    assert (found.first.kind, found.first.shape, found.first.most) == ("pixels", SHAPE, 5)
    assert found.first.left == (5,) * 64 + (0,) * 128

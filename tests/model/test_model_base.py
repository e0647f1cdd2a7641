"""A pruned network is built again from the shapes of its weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from energy_sweep.model.base import Model, adopt, count_parameters, weight_bits
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import BadInput


def mobile(channels: int, *, multiplier: int = 1, classes: int = 5) -> nn.Module:
    wide = channels * multiplier
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, wide, 3, padding=1, groups=channels),
        nn.Conv2d(wide, 8, 3, padding=1, groups=4),
        nn.ReLU(),
        nn.Conv2d(8, 2 * channels, 1, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * channels, classes),
    )


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_adopt_gives_the_outputs_of_the_network_that_was_saved(multiplier, layout):
    small = mobile(8, multiplier=multiplier).eval()
    dense = mobile(20, multiplier=multiplier).eval().to(memory_format=layout)
    images = torch.randn(2, 3, 6, 6)
    expected = small(images)
    adopted = adopt(dense, small.state_dict())
    assert torch.allclose(adopted(images), expected, atol=1e-6)
    assert adopted[2].groups == 8 and adopted[3].groups == 4
    assert adopted[3].weight.is_contiguous(memory_format=layout)


def test_adopt_keeps_a_network_of_the_same_shape_in_place():
    dense, other = mobile(8), mobile(8)
    before = list(dense.parameters())
    adopt(dense, other.state_dict())
    assert all(a is b for a, b in zip(before, dense.parameters(), strict=True))
    assert torch.equal(dense[0].weight, other[0].weight)


def test_adopt_refuses_what_it_cannot_shape():
    state = mobile(8).state_dict()
    del state["8.bias"]
    with pytest.raises(ValueError, match=r"8\.bias"):
        adopt(mobile(8), state)
    with pytest.raises(ValueError, match="LayerNorm"):
        adopt(nn.Sequential(nn.LayerNorm(8)), nn.Sequential(nn.LayerNorm(4)).state_dict())


def test_small_cnn_counts():
    module = SmallCNN(width=4, depth=3).build((3, 16, 16), 10)
    weights = 9 * (3 * 4 + 4 * 8 + 8 * 8) + 8 * 10
    assert weight_bits(module) == 32 * weights
    assert count_parameters(module) == weights + 10 + 2 * (4 + 8 + 8)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 1, 1), (1, 3, 5)])
@pytest.mark.parametrize("depth", [1, 2, 6])
def test_small_cnn_takes_any_image(shape, depth):
    module = SmallCNN(width=3, depth=depth).build(shape, 7).eval()
    assert module(torch.randn(2, *shape)).shape == (2, 7)


def test_small_cnn_stops_halving_at_two_pixels():
    module = SmallCNN(width=2, depth=6).build((1, 8, 8), 3).eval()
    sides = []
    handles = [
        getattr(module, f"block{i}").register_forward_hook(lambda *a: sides.append(a[2].shape[-1]))
        for i in range(1, 7)
    ]
    module(torch.randn(1, 1, 8, 8))
    assert len(handles) == 6 and sides == [8, 4, 2, 2, 2, 2]


@pytest.mark.parametrize("dial", ["width", "depth"])
def test_small_cnn_refuses_nonsense(dial):
    with pytest.raises(BadInput, match=f"model.{dial}=0"):
        SmallCNN(**{dial: 0})
    assert isinstance(SmallCNN(), Model)

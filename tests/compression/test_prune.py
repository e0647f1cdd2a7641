"""Pruning: how many channels go, which ones, and that the network is still the same function."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from energy_sweep.compression.channels import Group, Layer, Touch, nearest_counts
from energy_sweep.compression.prune import Prune
from energy_sweep.model.base import adopt, weight_bits
from energy_sweep.model.small_cnn import SmallCNN

SHAPE = (1, 8, 8)
EXAMPLE = torch.zeros(1, *SHAPE)


def build(width: int = 8, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SmallCNN(width=width).build(SHAPE, 10)


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class Branched(nn.Module):
    """A stem, a residual depthwise block, a convolution in groups, and a flattened classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 24, 3, padding=1)
        self.depthwise = nn.Conv2d(24, 24, 3, padding=1, groups=24)
        self.norm = nn.BatchNorm2d(24)
        self.pointwise = nn.Conv2d(24, 24, 1)
        self.widen = nn.Conv2d(24, 32, 1)
        self.grouped = nn.Conv2d(32, 32, 3, padding=1, groups=4)
        self.last = nn.Conv2d(32, 40, 3, padding=1)
        self.classifier = nn.Linear(40 * 4, 10)

    def forward(self, images: Tensor) -> Tensor:
        stem = self.stem(images).relu()
        mixed = stem + self.pointwise(self.norm(self.depthwise(stem)).relu())
        last = self.last(self.grouped(self.widen(mixed)).relu()).relu()
        return self.classifier(nn.functional.adaptive_avg_pool2d(last, 2).flatten(1))


@settings(max_examples=25, deadline=None)
@given(width=st.integers(8, 64), level=st.sampled_from([0.25, 0.5, 0.75]) | st.floats(0.05, 0.9))
def test_what_is_removed_is_what_was_asked(width: int, level: float) -> None:
    module = build(width)
    pruned, facts = Prune().prepare(module, level, example=EXAMPLE)
    assert facts["removed_weight_bits"] == pytest.approx(level, abs=0.05)
    assert facts["removed_weight_bits"] == 1 - weight_bits(pruned) / weight_bits(module)
    assert facts["channels"]["classifier"] == 10
    assert pruned(torch.randn(3, *SHAPE)).shape == (3, 10)


def test_channels_follow_from_architecture_and_level_alone() -> None:
    channels = [
        Prune().prepare(build(seed=seed), 0.5, example=torch.full((1, *SHAPE), float(seed)))[1]
        for seed in range(3)
    ]
    assert channels[0] == channels[1] == channels[2]


@pytest.mark.parametrize("level", [0.25, 0.5, 0.75])
def test_the_default_network_keeps_what_fast_kernels_take(level: float) -> None:
    facts = Prune().prepare(build(32), level, example=EXAMPLE)[1]
    assert all(count % 4 == 0 for name, count in facts["channels"].items() if "block" in name)
    assert facts["removed_weight_bits"] == pytest.approx(level, abs=0.05)


def test_wide_layers_keep_multiples_of_eight() -> None:
    channels = Prune().prepare(build(72), 0.37, example=EXAMPLE)[1]["channels"]
    wide = [count for name, count in channels.items() if name[:6] in ("block2", "block3", "block4")]
    assert all(count % 8 == 0 for count in wide)


def test_a_network_of_one_channel_survives() -> None:
    pruned, facts = Prune().prepare(build(1), 0.99, example=EXAMPLE)
    assert set(facts["channels"].values()) == {1, 10}
    assert pruned(EXAMPLE).shape == (1, 10)


def test_dead_channels_go_first_and_nothing_changes() -> None:
    module = build(16).eval()
    goal = Prune().prepare(module, 0.5, example=EXAMPLE)[1]["channels"]
    blocks = [part for name, part in module.named_children() if name.startswith("block")]
    readers = [block.conv for block in blocks[1:]] + [module.classifier]
    with torch.no_grad():
        for block, reader in zip(blocks, readers, strict=True):
            channels = block.conv.out_channels
            name = next(n for n, part in module.named_modules() if part is block.conv)
            dead = torch.randperm(channels)[goal[name] :]
            for tensor in (block.conv.weight, block.norm.weight, block.norm.bias):
                tensor[dead] = 0
            reader.weight[:, dead] = 0
    pruned, _ = Prune().prepare(module, 0.5, example=EXAMPLE)
    images = torch.randn(5, *SHAPE)
    torch.testing.assert_close(pruned(images), module(images), rtol=1e-5, atol=1e-6)
    assert weight_bits(pruned) < 0.6 * weight_bits(module)


def test_the_given_network_stays_as_it_is_and_modes_are_kept() -> None:
    module = build().train()
    module.block1.norm.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        pruned, _ = Prune().prepare(module, 0.5, example=EXAMPLE)
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    modes = [(name, part.training) for name, part in module.named_modules()]
    assert modes == [(name, part.training) for name, part in pruned.named_modules()]
    assert all(parameter.requires_grad for parameter in pruned.parameters())


def test_level_zero_is_the_dense_network() -> None:
    module = build()
    pruned, facts = Prune().prepare(module, 0.0, example=EXAMPLE)
    assert facts["removed_weight_bits"] == 0
    assert same_weights(pruned, module)


def test_equal_networks_are_pruned_alike() -> None:
    first, second = (Prune().prepare(build(), 0.75, example=EXAMPLE)[0] for _ in range(2))
    assert same_weights(first, second)


def test_branches_depthwise_and_flattening() -> None:
    module = Branched().eval()
    pruned, facts = Prune().prepare(module, 0.4, example=EXAMPLE)
    channels = facts["channels"]
    assert facts["removed_weight_bits"] == pytest.approx(0.4, abs=0.05)
    assert channels["stem"] == channels["depthwise"] == channels["pointwise"] < 24
    # The convolution in groups ties its inputs to its outputs, so both sides stay.
    assert channels["widen"] == channels["grouped"] == 32
    assert pruned.classifier.in_features == 4 * channels["last"] < 160


@pytest.mark.parametrize("make", [build, Branched])
def test_the_weights_alone_bring_a_pruned_network_back(make: type[nn.Module]) -> None:
    pruned, _ = Prune().prepare(make(), 0.5, example=EXAMPLE)
    again = adopt(make(), pruned.state_dict())
    images = torch.randn(4, *SHAPE)
    assert torch.equal(again.eval()(images), pruned.eval()(images))


@settings(deadline=None)
@given(
    widths=st.lists(st.integers(1, 300), min_size=2, max_size=6),
    levels=st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=5),
    step=st.sampled_from([1, 4]),
)
def test_more_level_never_keeps_more(widths: list[int], levels: list[float], step: int) -> None:
    layers = {
        str(place): Layer(outputs=outputs, inputs=inputs, kernel=9)
        for place, (inputs, outputs) in enumerate(pairwise([3, *widths]))
    }
    groups = [
        Group(
            size=width,
            touches=(
                Touch(layer=str(place), output=True, width=1.0),
                Touch(layer=str(place + 1), output=False, width=1.0),
            ),
        )
        for place, width in enumerate(widths[:-1])
    ]
    kept = [nearest_counts(layers, groups, level, step=step) for level in sorted(levels)]
    for counts in kept:
        assert all(1 <= count <= group.size for count, group in zip(counts, groups, strict=True))
    for more, less in pairwise(kept):
        assert all(a >= b for a, b in zip(more, less, strict=True))

"""Zeros stay zeros: masks through training, how they are chosen, and sparse connectivity."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from energy_sweep.compression.magnitude import RAMP, Magnitude, ramp
from energy_sweep.compression.masks import MaskHook, mask_smallest, sparsity, sparsity_by_layer
from energy_sweep.compression.sparse import Sparse, densities
from energy_sweep.optimizer import SGD, AdamW
from energy_sweep.record import BadInput
from energy_sweep.runtime import OnnxRuntime


def net(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5)
        )


def train(
    module: nn.Module, acting: MaskHook, optimizer: torch.optim.Optimizer, steps: int
) -> None:
    generator = torch.Generator().manual_seed(1)
    acting.begin(module)
    for _ in range(steps):
        optimizer.zero_grad()
        images = torch.randn(16, 1, 8, 8, generator=generator)
        labels = torch.randint(5, (16,), generator=generator)
        nn.functional.cross_entropy(module(images), labels).backward()
        optimizer.step()
        acting.after_step(module)


def zeros(module: nn.Module) -> dict[str, torch.Tensor]:
    return {n: part.weight == 0 for n, part in module.named_modules() if hasattr(part, "weight")}


@pytest.mark.parametrize("optimizer", [SGD(), AdamW()])
def test_masks_never_drift_through_recovery(optimizer: SGD) -> None:
    module = net()
    used = optimizer.build(module, 0.1)
    train(module, MaskHook(), used, 3)  # momentum gathers for weights that are masked next
    masked = Magnitude().prepare(module, 0.8, example=torch.zeros(1, 1, 8, 8))[0]
    module.load_state_dict(masked.state_dict())
    before = zeros(module)
    for _ in range(2):
        train(module, MaskHook(), used, 10)
        assert all(torch.equal(mask, zeros(module)[name]) for name, mask in before.items())
    assert sparsity(module) == pytest.approx(0.8, abs=0.001)


@settings(max_examples=30, deadline=None)
@given(level=st.floats(0.0, 0.99), scope=st.sampled_from(["global", "layer"]))
def test_the_smallest_weights_go_and_their_number_is_exact(level: float, scope: str) -> None:
    module, before = net(), net()
    mask_smallest(module, level, scope)  # type: ignore[arg-type]
    total, gone = 0, 0
    for name, weight in (("0", module[0].weight), ("4", module[4].weight)):  # type: ignore[index]
        total, gone = total + weight.numel(), gone + int((weight == 0).sum())
        kept = before.get_submodule(name).weight.abs()
        if scope == "layer" and 0 < (weight == 0).sum() < weight.numel():
            assert kept[weight == 0].max() <= kept[weight != 0].min()  # type: ignore[index,operator]
    assert gone == pytest.approx(level * total, abs=1 if scope == "layer" else 0.51)


def test_the_ramp_is_whole_while_there_is_time_to_recover() -> None:
    values = [ramp(0.8, step / 20) for step in range(21)]
    assert values[0] == 0.0 and values == sorted(values)
    assert all(ramp(0.8, p) == 0.8 for p in (RAMP, 0.9, 1.0))


@settings(max_examples=50, deadline=None)
@given(
    density=st.floats(0.02, 1.0),
    shapes=st.lists(st.tuples(st.integers(1, 64), st.integers(1, 64)), min_size=1, max_size=6),
)
def test_erdos_renyi_keeps_the_share_it_is_asked_for(
    density: float, shapes: list[tuple[int, int]]
) -> None:
    named = {str(index): shape for index, shape in enumerate(shapes)}
    found = densities(named, density, "erdos_renyi")
    assert all(0 <= value <= 1 + 1e-9 for value in found.values())
    sizes = {name: math.prod(shape) for name, shape in named.items()}
    kept = sum(found[name] * size for name, size in sizes.items())
    assert kept == pytest.approx(density * sum(sizes.values()), rel=1e-6)


def test_a_seed_has_a_connectivity_of_its_own_and_small_layers_keep_more() -> None:
    found = []
    for seed in (1, 1, 2):
        module = net()
        Sparse().start(module, 0.8, torch.Generator().manual_seed(seed))
        found.append(zeros(module))
    assert all(torch.equal(mask, found[1][name]) for name, mask in found[0].items())
    assert any(not torch.equal(mask, found[2][name]) for name, mask in found[0].items())
    shares = sparsity_by_layer(module)
    assert sparsity(module) == pytest.approx(0.8, abs=0.01) and shares["0"] < shares["4"]


def test_two_of_four_is_refused_where_no_kernel_is() -> None:
    with pytest.raises(BadInput, match=r"compression\.pattern=any"):
        Sparse(pattern="2:4").check_where(OnnxRuntime(), "cpu")

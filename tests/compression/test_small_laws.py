"""Distillation's loss, low ranks, and rounding: each against what it must equal."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from energy_sweep.compression import Distill, LowRank, Qat
from energy_sweep.compression.distillation_loss import DistillationLoss
from energy_sweep.compression.fake_quantize import (
    WEIGHTS,
    FakeQuantize,
    round_values,
    round_weight,
)
from energy_sweep.compression.lowrank import ranks
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import BadInput


def test_a_student_that_knows_all_its_teacher_says_loses_nothing_to_it() -> None:
    answers, labels = torch.randn(8, 5), torch.randint(5, (8,))
    index = torch.tensor([3, 1])
    loss = DistillationLoss(answers, temperature=4.0, alpha=1.0).loss(
        answers[index], labels[index], index
    )
    assert loss is not None and float(loss) == pytest.approx(0.0, abs=1e-6)
    hard = DistillationLoss(answers, temperature=4.0, alpha=0.0).loss(
        answers[index], labels[index], index
    )
    expected = functional.cross_entropy(answers[index], labels[index])
    assert hard is not None and float(hard) == pytest.approx(float(expected))


def test_gradients_of_the_soft_loss_are_as_large_at_any_temperature() -> None:
    """Times the temperature squared: in the limit it is half the squared distance (Hinton)."""
    answers, labels, index = 0.01 * torch.randn(4, 5), torch.zeros(4).long(), torch.arange(4)
    norms = []
    for temperature in (20.0, 80.0):
        outputs = (0.01 * torch.randn(4, 5, generator=torch.Generator().manual_seed(0))).clone()
        outputs.requires_grad_()
        taught = DistillationLoss(answers, temperature=temperature, alpha=1.0)
        loss = taught.loss(outputs, labels, index)
        assert loss is not None
        loss.backward()
        assert outputs.grad is not None
        norms.append(float(outputs.grad.norm()))
    assert norms[0] == pytest.approx(norms[1], rel=0.01)


def test_a_student_is_narrower_and_none_is_made_of_nothing() -> None:
    assert Distill().shape(SmallCNN(width=16), 0.75) == SmallCNN(width=8)
    with pytest.raises(BadInput, match=r"model\.width"):
        Distill().shape(SmallCNN(width=1), 0.9)


@settings(max_examples=40, deadline=None)
@given(
    level=st.floats(0.05, 0.9),
    sizes=st.lists(st.tuples(st.integers(32, 256), st.integers(32, 512)), min_size=3, max_size=8),
)
def test_ranks_remove_what_was_asked(level: float, sizes: list[tuple[int, int]]) -> None:
    named = {str(index): size for index, size in enumerate(sizes)}
    chosen = ranks(named, level)
    dense = sum(rows * columns for rows, columns in sizes)
    thin = sum(
        chosen[name] * (rows + columns) if name in chosen else rows * columns
        for name, (rows, columns) in named.items()
    )
    assert 1 - thin / dense == pytest.approx(level, abs=0.12)
    assert all(1 <= rank <= min(named[name]) for name, rank in chosen.items())


def test_a_layer_of_low_rank_is_factored_without_loss_and_rebuilt_from_its_facts() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(8, 32, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(512, 64))
    images = torch.randn(2, 8, 8, 8)
    low = torch.randn(32, 3) @ torch.randn(3, 72)
    net[0].weight.data = low.reshape(32, 8, 3, 3)
    thin, facts = LowRank().prepare(net, 0.6, example=images)
    assert facts["ranks"]["0"] >= 3
    assert torch.allclose(thin[0](images), net[0](images), atol=1e-3)  # type: ignore[index,operator]
    again = nn.Sequential(
        nn.Conv2d(8, 32, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(512, 64)
    )
    LowRank().restructure(again, facts)
    again.load_state_dict(thin.state_dict())
    assert torch.equal(again(images), thin(images))


def test_rounding_leaves_what_int8_can_hold_and_passes_gradients() -> None:
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    rounded = round_weight(weight)
    for channel in rounded.detach():
        scale = float(channel.abs().max()) / WEIGHTS[1]
        steps = channel / scale
        assert torch.allclose(steps, steps.round(), atol=1e-3) and len(steps.unique()) <= 127
    rounded.sum().backward()
    assert weight.grad is not None and torch.equal(weight.grad, torch.ones_like(weight))
    values = round_values(torch.tensor([0.0, 0.1, 25.5]))
    assert torch.allclose(values, torch.tensor([0.0, 0.1, 25.5]))


def test_a_net_trains_under_rounding_and_keeps_its_own_weights() -> None:
    torch.manual_seed(0)
    net = SmallCNN(width=8, depth=2).build((1, 8, 8), 10)
    before = {name: value.clone() for name, value in net.named_parameters()}
    logits = FakeQuantize().forward(net, torch.randn(4, 1, 8, 8))
    assert logits is not None
    logits.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())
    plain = net(torch.randn(4, 1, 8, 8))
    assert plain.shape == (4, 10) and not net._forward_hooks


def test_qat_needs_epochs() -> None:
    with pytest.raises(BadInput, match="compression=quantize"):
        Qat(recover_epochs=0)

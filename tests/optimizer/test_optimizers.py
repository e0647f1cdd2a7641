"""Optimizers take the settings given, and decay weights only."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.model.state import Trainee, load, restore, save
from energy_sweep.optimizer import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, RMSprop
from energy_sweep.record import BadInput

KINDS = [SGD, Adam, AdamW, RMSprop, Adagrad, Lion]


@pytest.mark.parametrize("kind", KINDS)
def test_biases_and_norms_do_not_decay_and_nothing_is_left_out(kind):
    module = SmallCNN(width=2, depth=2).build((1, 4, 4), 3)
    part = kind(weight_decay=0.25)
    optimizer = part.build(module, 0.5)
    decays = {p: g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert set(decays) == set(module.parameters())
    assert all(decay == (0.25 if p.ndim > 1 else 0) for p, decay in decays.items())
    assert all(group["lr"] == 0.5 for group in optimizer.param_groups)
    assert isinstance(part, Optimizer) and part.schedule.warmup_steps == 16


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        # Gradient 1 at weight 2; expected by hand after one step at lr .1.
        (SGD(momentum=0.9, weight_decay=0.5), 2 - 0.1 * (2 + 0.9 * 2)),
        (SGD(momentum=0.0, nesterov=False, weight_decay=0.0), 2 - 0.1),
        (Adam(), 2 - 0.1),
        (AdamW(weight_decay=0.5), 2 * (1 - 0.1 * 0.5) - 0.1),
        (RMSprop(alpha=0.75), 2 - 0.1 / 0.5),
        (RMSprop(alpha=0.75, momentum=0.5), 2 - 0.1 / 0.5),
        (Adagrad(), 2 - 0.1),
        (Lion(weight_decay=0.5), 2 * (1 - 0.1 * 0.5) - 0.1),
    ],
)
def test_one_step_by_hand(part, expected):
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 2.0)
    optimizer = part.build(module, 0.1)
    module(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert module.weight.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings", [{"lr": 0.0}, {"lr": float("nan")}, {"lr": -1.0}, {"weight_decay": -0.1}]
)
def test_nonsense_is_refused(kind, settings):
    with pytest.raises(BadInput, match=r"optimizer\.\w+=.*type"):
        kind(**settings)


def test_momentum_must_make_sense():
    with pytest.raises(BadInput, match="momentum=1"):
        SGD(momentum=1.0)
    with pytest.raises(BadInput, match="nesterov=true needs momentum"):
        SGD(momentum=0.0)
    with pytest.raises(BadInput, match="alpha=1"):
        RMSprop(alpha=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_branch_from_a_stored_state_goes_on_bit_for_bit(kind, tmp_path):
    def trainee():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = SmallCNN(width=4, depth=2).build((1, 6, 6), 3)
        return Trainee(module, kind().build(module, 0.01))

    def train(who, steps):
        for step in steps:
            images = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(step))
            who.optimizer.zero_grad()
            who.module(images).square().sum().backward()
            who.optimizer.step()

    whole, first, second = trainee(), trainee(), trainee()
    train(whole, range(5))
    train(first, range(3))
    save(tmp_path / "state.safetensors", first, {})
    restore(second.module, second.optimizer, load(tmp_path / "state.safetensors")[0])
    train(second, range(3, 5))
    assert second.fingerprint() == whole.fingerprint()

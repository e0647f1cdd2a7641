"""Levels that pay: layers keep the channels that the runtime runs cheapest."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from energy_sweep.compression import Distill, LowRank, Prune, Quantize, Technique
from energy_sweep.compression.channels import steps_to_try
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.hardware.cpu import vector_floats
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.training.loop import network
from energy_sweep.trial import load_data

EXAMPLE = torch.zeros(1, 1, 8, 8)


def recipe(compression: Any, level: float, width: int = 16) -> Recipe:
    return Recipe(
        dataset=Digits(),
        model=SmallCNN(width=width),
        optimizer=SGD(),
        compression=compression,
        runtime=OnnxRuntime(),
        device=Device(name="cpu"),
        batch=32,
        lr=0.1,
        epochs=10,
        level=level,
    )


def channels(compression: Technique, level: float, width: int = 16) -> tuple[list[int], float]:
    module = SmallCNN(width=width).build((1, 8, 8), 10)
    facts = compression.prepare(module, level, example=EXAMPLE)[1]
    return list(facts["channels"].values())[:-1], facts["removed_weight_bits"]


@pytest.mark.parametrize(
    ("multiple", "level", "counts"),
    [
        (8, 0.25, [8, 24, 32, 32]),
        (8, 0.5, [8, 24, 24, 24]),
        (8, 0.75, [8, 16, 16, 16]),
        (16, 0.25, [16, 16, 32, 32]),
        (16, 0.75, [16, 16, 16, 16]),
        (1, 0.25, [13, 28, 28, 28]),
    ],
)
def test_the_default_net_keeps_whole_blocks(multiple: int, level: float, counts: list[int]) -> None:
    kept, removed = channels(Prune(channel_multiple=multiple), level)
    assert kept == counts and removed == pytest.approx(level, abs=0.1)


def test_where_no_block_is_near_the_level_counts_between_are_taken() -> None:
    kept, removed = channels(Prune(channel_multiple=8), 0.9, width=8)
    assert max(kept) < 8 and removed == pytest.approx(0.9, abs=0.05)
    assert steps_to_try(16) == ((16, 0.1), (8, 0.05), (4, 0.05), (1, float("inf")))


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("level", [0.1, 0.25, 0.5, 0.75])
def test_rounds_come_to_the_level_that_was_asked(iterations: int, level: float) -> None:
    pruning = Prune(iterations=iterations, channel_multiple=8)
    module = SmallCNN(width=16).build((1, 8, 8), 10)
    dense, kept = module, 1.0
    for one in pruning.rounds(level):
        dense, facts = one.technique.prepare(dense, one.level, example=EXAMPLE)
        kept *= 1 - facts["removed_weight_bits"]
    assert 1 - kept == pytest.approx(level, abs=0.1)


def test_a_recipe_takes_what_its_runtime_runs_cheapest_and_a_user_may_say_otherwise() -> None:
    made = recipe(Prune(), 0.25)
    assert made.config()["compression"]["channel_multiple"] == OnnxRuntime().channel_multiple
    assert [one.technique.channel_multiple for one in made.rounds] == [vector_floats()]
    typed = recipe(Prune(channel_multiple=1), 0.25)
    assert typed.config()["compression"]["channel_multiple"] == 1
    assert Quantize().suited(8) == Quantize()
    with pytest.raises(BadInput, match="channel_multiple=0: type a whole number"):
        Prune(channel_multiple=0)


@pytest.mark.parametrize(
    ("level", "width", "snapped"), [(0.25, 12, 0.4375), (0.5, 12, 0.4375), (0.75, 8, 0.75)]
)
def test_students_have_widths_that_pay(level: float, width: int, snapped: float) -> None:
    technique, model = Distill(channel_multiple=8), SmallCNN(width=16)
    assert technique.shape(model, level).width == width
    assert (
        technique.effective_level(level, model)
        == snapped
        == technique.effective_level(snapped, model)
    )
    made = recipe(technique, level)
    assert made.effective_level == snapped == made.config()["level"] and made.net.width == width
    assert technique.shape(SmallCNN(width=4), 0.5).width == 2  # narrower than a block
    assert (
        technique.effective_level(0.5, ResNet()) == 0.5
    )  # whose layers are whole blocks at any width


def test_ranks_are_whole_blocks_too() -> None:
    module = SmallCNN(width=32).build((1, 8, 8), 10)
    facts = LowRank(channel_multiple=8).prepare(module, 0.5, example=EXAMPLE)[1]
    assert facts["ranks"] and all(rank % 8 == 0 for rank in facts["ranks"].values())
    assert facts["removed_weight_bits"] == pytest.approx(0.5, abs=0.1)


def test_vectors_are_read_off_the_processor(tmp_path: Path) -> None:
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    wide.write_text("flags\t\t: fpu avx2 avx512f avx512bw\n")
    narrow.write_text("flags\t\t: fpu avx2\n")
    assert (vector_floats(wide), vector_floats(narrow)) == (16, 8)
    assert vector_floats(tmp_path / "none") == 8


def test_every_level_and_student_costs_less_than_the_dense_net(tmp_path: Path) -> None:
    """CPU seconds of an image at batch 64, in turns, by the runtime of the default sweep."""
    data, runtime, dense = load_data(Digits()), OnnxRuntime(), SmallCNN(width=16)
    images = np.ascontiguousarray(data.validation.images)
    nets = {"dense": network(dense, data, seed=0).eval()}
    for level in (0.25, 0.5, 0.75):
        pruning = dataclasses.replace(Prune(), channel_multiple=runtime.channel_multiple)
        nets[f"prune {level}"] = pruning.prepare(nets["dense"], level, example=EXAMPLE)[0].eval()
        student = recipe(Distill(), level).net
        nets[f"student {level}"] = network(student, data, seed=0).eval()
    sessions = {}
    runtime.export(nets["dense"], data, template := tmp_path / "template.onnx")
    for name, net in nets.items():
        runtime.rewrite(template, net, data, tmp_path / f"{name}.onnx")
        sessions[name] = runtime.open(tmp_path / f"{name}.onnx", 1)
        sessions[name].predict(images, 64)
    took = dict.fromkeys(nets, float("inf"))
    for _ in range(15):
        for name, session in sessions.items():
            began = time.process_time()
            session.predict(images, 64)
            took[name] = min(took[name], time.process_time() - began)
    shares = {name: seconds / took["dense"] for name, seconds in took.items()}
    assert max(share for name, share in shares.items() if name != "dense") < 0.97, shares

"""Levels, and what each technique makes of them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from energy_sweep.compression import Compression, NoCompression, Prune, Technique
from energy_sweep.record import BadInput


@given(level=st.floats(0, 1, exclude_max=True))
def test_a_level_in_range_is_honoured_by_prune_and_dropped_by_none(level: float) -> None:
    Prune().check(level)
    assert Prune().effective_level(level) == level
    assert NoCompression().effective_level(level) == 0.0


@pytest.mark.parametrize("technique", [Prune(), NoCompression()])
@pytest.mark.parametrize("level", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
def test_a_level_out_of_range_is_refused_in_one_line(technique: Compression, level: float) -> None:
    with pytest.raises(BadInput, match=r"^compression\.level=.*type [^\n]*$"):
        technique.check(level)


def test_none_refuses_to_compress() -> None:
    NoCompression().check(0.0)
    with pytest.raises(BadInput, match=r"compression=prune compression\.level=0\.5"):
        NoCompression().check(0.5)


@pytest.mark.parametrize("epochs", [-1, 1.5, "abc"])
def test_recovery_is_a_whole_number_of_epochs(epochs: object) -> None:
    with pytest.raises(BadInput, match=r"compression\.recover_epochs=3"):
        Prune(recover_epochs=epochs)  # type: ignore[arg-type]


def test_the_base_changes_nothing() -> None:
    technique, module, example = Technique(), nn.Linear(2, 2), torch.ones(1, 2)
    assert technique.shape("model", 0.5) == "model"
    assert technique.prepare(module, 0.5, example=example) == (module, {"removed_weight_bits": 0.0})
    assert technique.rounds(0.5) == ()
    assert technique.in_training(0.5) is None
    assert technique.acting(0.5, progress=0.0) is None


def test_parts_are_plain_settings() -> None:
    assert dataclasses.asdict(NoCompression()) == {"name": "none"}
    plain = {"name": "prune", "importance": "magnitude", "iterations": 1, "recover_epochs": 3}
    plain |= {"channel_multiple": None}
    assert dataclasses.asdict(Prune()) == plain
    assert (NoCompression().when, NoCompression().rounds(0.0)) == ("none", ())
    assert Prune().when == "after"


def test_planning_loads_no_torch() -> None:
    code = """
import sys
from energy_sweep.compression import NoCompression, Prune
from energy_sweep.runtime import OnnxRuntime
Prune().check(Prune().effective_level(.5)), NoCompression().check(0), OnnxRuntime().version
heavy = {"torch", "torch_pruning", "onnx", "onnxruntime"} & sys.modules.keys()
sys.exit(", ".join(heavy) or None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

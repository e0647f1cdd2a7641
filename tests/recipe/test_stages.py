"""What work is named by: horizons share a trunk, all nets of an architecture an export."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from energy_sweep.compression import Distill, LowRank, Magnitude, NoCompression, Prune, Quantize
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD, AdamW
from energy_sweep.optimizer.schedule import Constant
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import PLANS
from energy_sweep.recipe.stages import chain
from energy_sweep.runtime import OnnxRuntime, OpenVino
from energy_sweep.trial import Teacher

# A schedule without a cooldown: the trunk itself is the last stage that trains.
RECIPE = Recipe(
    dataset=Digits(),
    model=SmallCNN(width=8, depth=2),
    optimizer=SGD(schedule=Constant()),
    compression=NoCompression(),
    runtime=OnnxRuntime(),
    device=Device(name="cpu", threads=1, plan="channels_last"),
    plan=PLANS["channels_last"],
    batch=128,
    lr=0.05,
    epochs=2,
)


def keys(
    recipe: Recipe, *, data: str = "any", sizes: tuple[int, ...] = (1, 8, 8, 10), **changes: Any
) -> dict[str, str]:
    """The work key of each stage of a recipe, of those of one name that of the last."""
    changed = dataclasses.replace(recipe, **changes)
    return {use.stage: use.key for use in chain(changed, machine={}, fingerprint=data, sizes=sizes)}


@pytest.mark.parametrize(
    ("changes", "weighed"),
    [
        ({}, {"evaluate"}),
        (
            {"compression": Magnitude(recover_epochs=1), "level": 0.5},
            {"compress", "recover", "evaluate"},
        ),
        (
            {"compression": Distill(), "level": 0.75, "teacher": Teacher()},
            {"teacher", "trunk", "evaluate"},
        ),
    ],
    ids=["dense", "compressed", "student"],
)
def test_weights_of_one_trunk_are_named_by_where_it_is_left(
    changes: dict[str, Any], weighed: set[str]
) -> None:
    short, long = (keys(RECIPE, **changes, epochs=epochs) for epochs in (2, 3))
    assert {stage for stage in short if short[stage] != long[stage]} == weighed


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "others"},
        {"batch": 32, "accumulate": 2, "lr": 0.1, "epochs": 5, "seed": 1, "label_smoothing": 0.0},
        {"optimizer": AdamW()},
        {"precision": "bf16"},
        {"plan": PLANS["contiguous"]},
        {"device": Device(name="cpu", threads=2, plan="auto", memory_gib=8.0)},
        {"inference_batch": 1},
        {"compression": Prune(channel_multiple=4), "level": 0.5},
        {"compression": Magnitude(), "level": 0.5},
        {"compression": Quantize(), "level": 0.75},
    ],
    ids=lambda changes: "+".join(changes),
)
def test_an_export_serves_all_nets_of_an_architecture(changes: dict[str, Any]) -> None:
    assert keys(RECIPE, **changes)["export"] == keys(RECIPE)["export"]


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": (1, 16, 16, 10)},
        {"sizes": (1, 8, 8, 3)},
        {"model": SmallCNN(width=8, depth=3)},
        {"runtime": OpenVino()},
        {"compression": LowRank(), "level": 0.5},
        {"compression": Distill(channel_multiple=4), "level": 0.75, "teacher": Teacher()},
    ],
    ids=lambda changes: "+".join(changes),
)
def test_another_architecture_or_runtime_is_exported_anew(changes: dict[str, Any]) -> None:
    assert keys(RECIPE, **changes)["export"] != keys(RECIPE)["export"]

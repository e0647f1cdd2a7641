"""Names of weights: two horizons share a trunk, and nothing that comes after it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from energy_sweep.compression import Distill, Magnitude, NoCompression
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.optimizer.schedule import Constant
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import PLANS
from energy_sweep.recipe.stages import chain
from energy_sweep.runtime.onnxruntime import OnnxRuntime
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


def keys(recipe: Recipe, **changes: Any) -> dict[str, str]:
    """The work key of each stage of a recipe, of those of one name that of the last."""
    changed = dataclasses.replace(recipe, **changes)
    return {use.stage: use.key for use in chain(changed, machine={}, fingerprint="any")}


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

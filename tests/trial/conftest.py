"""A small recipe on real images, and a meter that gives the same joules for the same work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.compression.prune import Prune
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore

MakeRecipe = Callable[..., Recipe]


def heavy(work: Work) -> float:
    """Joules of the work of a net; so many that a pass over the images is a mark of a window."""
    return 1e-5 * work.images * work.parameters


@pytest.fixture(scope="session")
def meter() -> Meter:
    return ReplayMeter(formula=heavy)


@pytest.fixture
def store(tmp_path: Path, meter: Meter) -> StageStore:
    return StageStore(tmp_path / "stages", meter_id=meter_id(meter.facts()))


@pytest.fixture
def other_store(tmp_path: Path, meter: Meter) -> StageStore:
    return StageStore(tmp_path / "others", meter_id=meter_id(meter.facts()))


@pytest.fixture(scope="session")
def recipe() -> MakeRecipe:
    def make(**changes: Any) -> Recipe:
        settings: dict[str, Any] = {
            "dataset": Digits(),
            "model": SmallCNN(width=4, depth=2),
            "optimizer": SGD(),
            "compression": Prune(recover_epochs=1),
            "runtime": OnnxRuntime(),
            "device": Device(name="cpu", plan="channels_last"),
            "batch": 128,
            "lr": 0.05,
            "epochs": 5,
        }
        return Recipe(**(settings | changes))

    return make

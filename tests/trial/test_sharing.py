"""Sharing is bit-identical for every family, precision, schedule, optimizer and layout.

`make contracts` runs the full matrix; the checks of every day vary one thing at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.dataset.digits import Digits
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD, Adagrad, Adam, AdamW, Lion, RMSprop
from energy_sweep.optimizer.schedule import Constant, Cosine, OneCycle, Trunk
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN, Plan
from energy_sweep.store import StageStore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import fit, training
from energy_sweep.trial.training.segment import trained_state

MakeRecipe = Callable[..., Recipe]

LAST = Plan(layout="channels_last")
USUAL: dict[str, Any] = {"dataset": Digits(fraction=0.2), "batch": 64, "plan": LAST}
SMALL = SmallCNN(width=4, depth=2)
FAMILIES: list[Any] = [
    SMALL,
    SmallCNN(width=4, depth=2, norm="group"),
    ResNet(width=0.125),
    MobileNet(name="mobilenet_v2", width=0.25),
    MobileNet(name="mobilenet_v3_small", width=0.25),
    EfficientNet(width=0.25, phi=-7),
    GoogLeNet(width=0.25),
]
LARGER: list[Any] = [
    ResNet(name="resnet50", width=0.25),
    MobileNet(name="mobilenet_v3_large", width=0.25),
    *(EfficientNet(name=f"efficientnet_b{index}", width=0.25) for index in range(3)),
]
PRECISIONS = ["fp32", "bf16", "float64"]
SCHEDULES: list[Any] = [Trunk(), Constant(), Cosine(), OneCycle()]
OPTIMIZERS: list[Any] = [SGD, Adam, AdamW, RMSprop, Adagrad, Lion]


def title(part: Any) -> str:
    name = part.name if hasattr(part, "name") else str(part)
    return name if isinstance(name, str) else part.__name__


@pytest.fixture
def assert_shared(recipe: MakeRecipe, meter: Meter, tmp_path: Path) -> Callable[..., None]:
    """Trains horizons 2 and 3 after one another, and 3 alone; compares every tensor of state."""

    def trained(folder: str, horizons: tuple[int, ...], dials: dict[str, Any]) -> Any:
        store = StageStore(tmp_path / folder, meter_id=meter_id(meter.facts()))
        for epochs in horizons:
            context = TrialContext(
                recipe(epochs=epochs, **(USUAL | dials)),
                meter=meter,
                store=store,
                keep=frozenset((1, 2)),
            )
            fit(context)
        return trained_state(training(context)[-1], store=store, meter=meter)

    def check(**dials: Any) -> None:
        shared, alone = trained("shared", (2, 3), dials), trained("alone", (3,), dials)
        assert shared.keys() == alone.keys() and len(shared) > 2
        assert all(shared[name].equal(alone[name]) for name in shared)

    return check


@pytest.mark.parametrize("model", FAMILIES, ids=title)
@pytest.mark.no_cover
def test_every_family(assert_shared: Callable[..., None], model: Any) -> None:
    assert_shared(model=model)


def test_the_plain_layout(assert_shared: Callable[..., None]) -> None:
    assert_shared(model=SMALL, plan=DEFAULT_PLAN)


@pytest.mark.parametrize("precision", PRECISIONS[1:])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=title)
def test_every_schedule_and_precision(
    assert_shared: Callable[..., None], schedule: Any, precision: str
) -> None:
    assert_shared(model=SMALL, optimizer=SGD(schedule=schedule), precision=precision)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=title)
def test_every_optimizer(assert_shared: Callable[..., None], optimizer: Any) -> None:
    part = optimizer()
    assert_shared(model=SMALL, optimizer=part, lr=part.lr, accumulate=2, label_smoothing=0.0)


@pytest.mark.contracts
@pytest.mark.parametrize(
    ("model", "precision", "schedule", "plan"),
    [
        *itertools.product((*FAMILIES, *LARGER), PRECISIONS, SCHEDULES, [LAST]),
        *itertools.product((*FAMILIES, *LARGER), PRECISIONS, SCHEDULES[:1], [DEFAULT_PLAN]),
    ],
    ids=title,
)
def test_the_full_matrix(
    assert_shared: Callable[..., None], model: Any, precision: str, schedule: Any, plan: Plan
) -> None:
    assert_shared(model=model, optimizer=SGD(schedule=schedule), precision=precision, plan=plan)

"""One net with two heads: both questions are learned, for the joules of about one training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from energy_sweep import deploy
from energy_sweep.compression.distill import Distill
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.two_tasks import DigitTasks
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput, TrialResult
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial
from energy_sweep.trial.readiness import check_ready

MakeRecipe = Callable[..., Recipe]
LEARNS = {"model": SmallCNN(width=8, depth=4), "batch": 32, "epochs": 4}


def joules(result: TrialResult, store: StageStore) -> float:
    """What its training took."""
    epochs = [use for use in result.stages if use.stage in ("trunk", "cooldown")]
    return math.fsum(store.records()[use.key].spent_joules for use in epochs)


def test_one_net_answers_two_questions_for_the_joules_of_one(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    both, digit, parity = (
        run_trial(recipe(**LEARNS, dataset=DigitTasks(tasks=tasks)), meter=meter, store=store)
        for tasks in ("digit+parity", "digit", "parity")
    )
    assert digit.accuracy is not None
    assert both.accuracy is not None
    assert both.accuracy > digit.accuracy - 0.05 > 0.7
    assert both.facts["second_correct"] / both.n_validation > 0.8  # guessing gives .5
    assert "second_correct" not in digit.facts
    one, two, three = (joules(result, store) for result in (both, digit, parity))
    assert one < 0.6 * (two + three)


def test_what_is_removed_from_a_net_of_two_tasks_leaves_both(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    dials = {**LEARNS, "dataset": DigitTasks()}
    dense = run_trial(recipe(**dials), meter=meter, store=store)
    half = run_trial(recipe(**dials, level=0.5), meter=meter, store=store)
    assert half.facts["parameters"] < 0.6 * dense.facts["parameters"]
    assert half.facts["second_correct"] / half.n_validation > 0.7


def test_a_net_of_one_task_has_the_keys_it_had(recipe: MakeRecipe) -> None:
    config = recipe(dataset=Digits()).config()
    assert not [name for name in config["dataset"] if "second" in name or "task" in name]


def test_what_answers_one_task_only_is_refused(
    recipe: MakeRecipe, meter: Meter, store: StageStore, tmp_path: Path
) -> None:
    taught = recipe(dataset=DigitTasks(), compression=Distill(), level=0.5)
    with pytest.raises(BadInput, match="has two: type compression=prune, or none"):
        check_ready(taught, meter_id=lambda: "toy")
    plain = recipe(dataset=DigitTasks(), epochs=1)
    result = run_trial(plain, meter=meter, store=store)
    with pytest.raises(BadInput, match="deploy a trial of a data set with one kind of labels"):
        deploy.deploy(
            plain,
            result,
            tmp_path / "deployed",
            meter=meter,
            store=store,
            looks_file=tmp_path / "looks",
            config={},
            origin={"study": "toy", "trial": 0, "command": ""},
        )

"""An evaluation that did not keep its answers runs again, whatever the trial; nothing trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from energy_sweep.compression import Chain, Distill, NoCompression, Prune, Quantize, Step
from energy_sweep.dataset.digits import Digits
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.record import StageRecord
from energy_sweep.record.answers import answers_in
from energy_sweep.store import StageStore
from energy_sweep.trial import Teacher, run_trial
from energy_sweep.trial.deployment.evaluation import name_of_images

MakeRecipe = Callable[..., Recipe]
CASES: dict[str, dict[str, Any]] = {
    "dense": {"compression": NoCompression()},
    "limited": {"level": 0.5, "max_accuracy_loss": 0.99},
    "int8": {"compression": Quantize(images=64), "level": 0.75},
    "chain": {
        "compression": Chain(
            steps=(Step(technique=Prune(recover_epochs=1)), Step(technique=Quantize(images=64)))
        ),
        "level": 0.9,
    },
    "student": {"compression": Distill(), "level": 0.5, "teacher": Teacher()},
}


def forget(store: StageStore) -> dict[str, StageRecord]:
    """Leave the store as a former version did; gives what its evaluations kept."""
    found = {key: one for key, one in store.records().items() if one.stage == "evaluate"}
    for one in found.values():
        facts = {name: value for name, value in one.facts.items() if name != "answers"}
        store.put(replace(one, facts=facts))
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_the_evaluation_alone_runs_again(
    case: str, recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(epochs=2, **CASES[case])
    first = run_trial(made, meter=meter, store=store)
    known = forget(store)
    before = dict(store.records())
    again = run_trial(made, meter=meter, store=store)
    assert (again.correct, again.stages) == (first.correct, first.stages)
    assert known.keys() == {key for key in before if store.records()[key] != before[key]}
    assert len(known) == (2 if case == "limited" else 1)
    for key, one in known.items():
        record = store.records()[key]
        assert record.facts["answers"] == one.facts["answers"]
        assert (record.marks, len(record.lost)) == (one.marks, 1)
        assert answers_in(record.facts) is not None


def test_without_its_weights_it_stays_as_it_was(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(epochs=2, compression=NoCompression())
    first = run_trial(made, meter=meter, store=store)
    [key] = forget(store)
    trained = {k: one for k, one in store.records().items() if one.stage == "trunk"}
    store.clear()
    again = run_trial(made, meter=meter, store=store)
    assert again.correct == first.correct
    assert store.records()[key].facts["answers"] is None
    assert trained == {k: one for k, one in store.records().items() if one.stage == "trunk"}


def test_the_same_images_have_one_name_at_all_resolutions_and_fractions() -> None:
    known = name_of_images(Digits().load())
    assert name_of_images(Digits(resolution=16).load()) == known
    assert name_of_images(Digits(fraction=0.5).load()) == known
    assert name_of_images(Digits(validation=0.2).load()) != known

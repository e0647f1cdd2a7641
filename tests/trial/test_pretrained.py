"""Weights of a stored trial as a start: taken over, charged, spread, or refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from energy_sweep.front.bill import bill
from energy_sweep.front.prices import Prices, demand
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import (
    BadInput,
    Objective,
    StudyRecord,
    TrialRecord,
    TrialResult,
    to_json,
)
from energy_sweep.record.seal import seal
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import training
from energy_sweep.trial.training.pretrained import Pretrained, find
from energy_sweep.trial.training.segment import trained_state

MakeRecipe = Callable[..., Recipe]
LAST = Plan(layout="channels_last")
TRAINING = Objective(name="training")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, meter: Meter, recipe: MakeRecipe) -> Path:
    """A study called `first` whose trial 3 has a pruned net."""
    folder = tmp_path_factory.mktemp("made") / "first"
    store = StageStore(folder / "stages", meter_id=meter_id(meter.facts()))
    result = run_trial(recipe(epochs=5, level=0.5), meter=meter, store=store)
    (folder / "trials" / "3").mkdir(parents=True)
    (folder / "trials" / "3" / "result.json").write_text(json.dumps(to_json(result)))
    return folder.parent


@pytest.fixture
def outputs(made: Path, tmp_path: Path) -> Path:
    """A copy of that study, to damage."""
    return shutil.copytree(made, tmp_path / "outputs")


def training_joules(store: StageStore, result: TrialResult) -> float:
    return Prices(store.records().values()).joules(demand(result, TRAINING))[0]


def test_training_goes_on_from_the_dense_weights(
    recipe: MakeRecipe, meter: Meter, store: StageStore, outputs: Path
) -> None:
    source = find(outputs, "first/3", 1.0)
    start = recipe(pretrained=source, seed=7, plan=LAST)
    module = TrialContext(start, meter=meter, store=store).trainer.origin()
    first = TrialContext(
        recipe(epochs=5, plan=LAST),
        meter=meter,
        store=StageStore(source.store, meter_id=meter_id(meter.facts())),
    )
    dense = trained_state(training(first)[-1], store=first.store, meter=meter)
    for name, value in module.state_dict().items():
        assert value.equal(dense[f"model/{name}"])
    assert start.config()["pretrained"] == {
        "name": "first/3",
        "weights": source.weights,
        "share": 1.0,
    }


def test_another_number_of_classes_starts_its_classifier_anew(
    meter: Meter, outputs: Path, recipe: MakeRecipe
) -> None:
    source, net = find(outputs, "first/3", 1.0), SmallCNN(width=4, depth=2)
    module = net.build((1, 8, 8), 3)
    before = module.classifier.weight.detach().clone()
    first = module.block1.conv.weight.detach().clone()
    source.put_into(module)
    assert module.classifier.weight.equal(before)
    assert not module.block1.conv.weight.equal(first)


@pytest.mark.parametrize("share", [1.0, 0.1, 0.0])
def test_its_joules_are_charged_by_the_share_and_spent_on_another_bill(
    recipe: MakeRecipe, meter: Meter, store: StageStore, outputs: Path, share: float
) -> None:
    source = find(outputs, "first/3", share)
    result = run_trial(recipe(epochs=2, pretrained=source), meter=meter, store=store)
    first = StageStore(source.store, meter_id=store.meter_id)
    dense = run_trial(recipe(epochs=5), meter=meter, store=first)
    plain = run_trial(recipe(epochs=2, seed=9), meter=meter, store=store)
    extra = training_joules(store, result) - training_joules(store, plain)
    assert extra == pytest.approx(share * training_joules(first, dense), rel=1e-6, abs=1e-9)
    trials = (TrialRecord(number=0, state="measured", params={}, result=result),)
    study = StudyRecord(name="s", trials=trials, stages=store.records(), meter=meter.facts())
    lines = bill(study, Prices(store.records().values()))
    if share:
        assert lines["pretrain"].spent_joules == lines["pretrain"].attributed_joules == 0
    else:
        assert "pretrain" not in lines


def test_another_meter_cannot_charge_them(
    recipe: MakeRecipe, meter: Meter, tmp_path: Path, outputs: Path
) -> None:
    foreign = StageStore(tmp_path / "foreign", meter_id="another")
    charged = recipe(epochs=1, pretrained=find(outputs, "first/3", 1.0))
    with pytest.raises(BadInput, match=r"another meter.*model\.pretrained_share=0"):
        run_trial(charged, meter=meter, store=foreign)
    assert not foreign.records()


def test_a_net_that_they_do_not_fit_is_refused_before_anything_is_spent(
    recipe: MakeRecipe, meter: Meter, store: StageStore, outputs: Path
) -> None:
    wide = recipe(model=SmallCNN(width=8, depth=2), pretrained=find(outputs, "first/3", 1.0))
    with pytest.raises(BadInput, match=r"model\.pretrained=first/3 fits .* type a trial of the"):
        run_trial(wide, meter=meter, store=store)
    assert not store.records()


@pytest.mark.parametrize("name", ["first/4", "second/3", "first", "", "first/3/x"])
def test_what_is_not_there_is_refused(outputs: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"model\.pretrained=.*type STUDY/NUMBER"):
        find(outputs, name, 1.0)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(outputs: Path, share: float) -> None:
    with pytest.raises(BadInput, match=r"model\.pretrained_share=.*type 1 to charge"):
        find(outputs, "first/3", share)


def test_evicted_weights_are_named(outputs: Path) -> None:
    source: Pretrained = find(outputs, "first/3", 1.0)
    source.state.unlink()
    with pytest.raises(BadInput, match="its weights are gone; run that trial again"):
        find(outputs, "first/3", 1.0)


def test_a_changed_or_exchanged_result_is_refused(outputs: Path) -> None:
    path = outputs / "first" / "trials" / "3" / "result.json"
    document = json.loads(path.read_text())
    path.write_text(
        json.dumps(seal({**document, "trial": 3})).replace('"epochs": 5', '"epochs": 6')
    )
    with pytest.raises(BadInput, match=r"result\.json is damaged .*seal"):
        find(outputs, "first/3", 1.0)
    path.write_text(json.dumps(seal({**document, "trial": 4})))
    with pytest.raises(BadInput, match=r"result\.json is damaged \(it is that of trial 4\)"):
        find(outputs, "first/3", 1.0)


def test_keys_that_are_paths_lead_nowhere(outputs: Path) -> None:
    path = outputs / "first" / "trials" / "3" / "result.json"
    document = json.loads(path.read_text())
    for use in document["stages"]:
        use["key"] = "../../../elsewhere"
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match="it trained no weights"):
        find(outputs, "first/3", 1.0)


@pytest.mark.parametrize("content", ["", "[]", '{"key": 1}', "\xff"])
def test_damaged_records_give_no_weights(outputs: Path, content: str) -> None:
    for path in (outputs / "first" / "stages").glob("*/*/record-*.json"):
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadInput, match="its weights are gone"):
        find(outputs, "first/3", 1.0)

"""What a trial would be refused for once it runs is found before a joule is spent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput, to_json
from energy_sweep.store import StageStore
from energy_sweep.trial import check_ready, run_trial
from energy_sweep.trial.training.pretrained import find
from energy_sweep.trial.training.teacher import Teacher

MakeRecipe = Callable[..., Recipe]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An optimizer that cannot be made."""

    name: str = "broken"
    lr: float = 0.1

    def build(self, module: nn.Module, lr: float) -> Any:
        raise ValueError("no such thing")


def never() -> str:
    raise AssertionError("the meter was asked for")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "batch": ({"batch": 4096}, r"batch=4096: there are \d+ images to train on; type batch="),
    "accumulate": ({"batch": 256, "accumulate": 9}, r"accumulate=9: an epoch has"),
    "size": (
        {"model": SmallCNN(width=10**9, depth=2)},
        r"model=small_cnn: training it needs over .* type smaller settings",
    ),
    "optimizer": ({"optimizer": Broken()}, r"optimizer=broken cannot be made .*no such thing"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_recipe_that_cannot_run_is_refused(recipe: MakeRecipe, what: str) -> None:
    changes, says = REFUSED[what]
    with pytest.raises(BadInput, match=says):
        check_ready(recipe(**changes), meter_id=never)


def test_a_recipe_that_can_run_is_not(recipe: MakeRecipe) -> None:
    check_ready(recipe(), meter_id=never)


@pytest.fixture
def outputs(tmp_path: Path, meter: Meter, recipe: MakeRecipe) -> Path:
    """A study called `seeds` whose trial 0 was measured by this meter."""
    folder = tmp_path / "outputs" / "seeds"
    store = StageStore(folder / "stages", meter_id=meter_id(meter.facts()))
    result = run_trial(recipe(epochs=1), meter=meter, store=store)
    (folder / "trials" / "0").mkdir(parents=True)
    (folder / "trials" / "0" / "result.json").write_text(json.dumps(to_json(result)))
    return tmp_path / "outputs"


def test_stored_weights_fit_and_their_joules_can_be_charged(
    recipe: MakeRecipe, meter: Meter, outputs: Path
) -> None:
    source, own = find(outputs, "seeds/0", 1.0), meter_id(meter.facts())
    check_ready(recipe(pretrained=source), meter_id=lambda: own)
    with pytest.raises(BadInput, match="was measured with another meter"):
        check_ready(recipe(pretrained=source), meter_id=lambda: "another")
    check_ready(recipe(pretrained=find(outputs, "seeds/0", 0.0)), meter_id=never)
    wide = SmallCNN(width=8, depth=2)
    with pytest.raises(BadInput, match=r"model\.pretrained=seeds/0 fits"):
        check_ready(recipe(model=wide, pretrained=source), meter_id=never)


def test_a_stored_teacher_is_tried_too(recipe: MakeRecipe, outputs: Path) -> None:
    from energy_sweep.compression.distill import Distill

    stored = find(outputs, "seeds/0", 1.0, setting="compression.teacher")
    net = recipe().model
    student = {"compression": Distill(), "level": 0.5}
    taught = recipe(**student, teacher=Teacher(model=net, stored=stored))
    with pytest.raises(BadInput, match=r"compression\.teacher=seeds/0 was measured with another"):
        check_ready(taught, meter_id=lambda: "another")
    other = Teacher(model=SmallCNN(width=8, depth=2), stored=stored)
    with pytest.raises(BadInput, match=r"compression\.teacher=seeds/0 fits"):
        check_ready(recipe(**student, teacher=other), meter_id=never)


def run_nothing(*_: Any, **__: Any) -> Any:
    raise AssertionError("a trial was run")


@pytest.mark.no_cover
def test_a_sweep_is_refused_before_its_first_trial(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Values that only fail together, and the weights of a study that another meter measured."""
    monkeypatch.chdir(outputs.parent)
    words = ["-m", "meter=estimate", "search/space=none", "device.plan=channels_last", "epochs=1"]
    for typed, says in (
        (["batch=64,512", "accumulate=1,2"], "accumulate=2: an epoch has 1 batches of 512"),
        (["model.width=4", "model.depth=2", "model.pretrained=null,seeds/0"], "another meter"),
    ):
        assert main([*words, *typed], run=run_nothing) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert says in line
        assert not list(Path("outputs").glob("*/trials/*/.hydra"))
    assert main([*words, "batch=64,512", "accumulate=1"], run=run_formula) == 0

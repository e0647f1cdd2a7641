"""The library as a newcomer meets it: docs/library.md runs, strings are paths."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

import energy_sweep
from energy_sweep import (
    Axis,
    BadInput,
    Objective,
    Recipe,
    Space,
    choose,
    load_study,
    rows,
    search,
    write_report,
)
from energy_sweep.app.main import main
from energy_sweep.app.verbs import options as verbs
from energy_sweep.recipe import PARTS

PAGE = Path(__file__).parents[1] / "docs/library.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
REPLAY = {"name": "replay"}


def guess(width: int = 8, epochs: int = 1, **more: Any) -> tuple[int, int]:
    """A formula in place of training."""
    del more
    return 50 + min(width + epochs, 40), 100


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_block_of_the_page_runs_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) == 5
    assert len([line for line in BLOCKS[0].splitlines() if line]) <= 10
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), {"__name__": "page"})
    said = capsys.readouterr().out
    assert "trial 3 (width=64 epochs=20)" in said and "estimated" in said
    assert Path("report.html").stat().st_size > 1e6
    # A study made by the library is one for the verbs.
    assert verbs.run(["front", "train", "--objective", "training"]) == 0
    assert "4 configurations on the front" in capsys.readouterr().out


def test_a_function_is_called_once_for_each_point() -> None:
    calls: list[dict[str, Any]] = []

    def noted(**point: Any) -> tuple[int, int]:
        calls.append(point)
        return guess(**point)

    space = {"width": (8, 16), "epochs": 2, "seed": [0, 1]}
    study = search(noted, space, name="mine", meter=REPLAY)
    assert len(calls) == 4 and {"width": 16, "epochs": 2, "seed": 1} in calls
    found = rows(study)
    assert [row.params for row in found] == [{"width": 8}, {"width": 16}]
    assert [len(row.seeds) for row in found] == [2, 2]
    again = search(noted, {**space, "width": (8, 32)}, name="mine", meter=REPLAY, outputs="outputs")
    assert len(calls) == 6 and len(again.trials) == 6
    assert load_study("outputs/mine").trials == load_study(Path("mine")).trials == again.trials
    assert load_study("outputs/mine/study.db").stages == again.stages


def test_what_a_failed_call_took_stays_on_the_bill() -> None:
    broken = [True]

    def train(width: int) -> tuple[int, int]:
        sum(range(200_000))
        if broken[0]:
            raise RuntimeError("no luck")
        return width, 100

    first = search(train, {"width": [8]}, meter="estimate")
    [trial] = first.trials
    assert trial.state == "failed" and trial.error == "RuntimeError: no luck"
    [record] = first.stages.values()
    assert record.marks == () and len(record.lost) == 1 and record.spent_joules > 0
    broken.clear()
    broken.append(False)
    second = search(train, {"width": [8]}, meter="estimate")
    [record] = second.stages.values()
    assert len(record.marks) == len(record.lost) == 1
    assert [trial.state for trial in second.trials] == ["failed", "measured"]


def test_limits_points_to_begin_with_and_another_study_go_in_as_they_do_in_a_command() -> None:
    space = {"width": [8, 16, 32, 64], "epochs": [1, 2, 5]}
    first = search(guess, space, name="first", meter=REPLAY, constraints={"min_accuracy": 0.5})
    assert first.constraints == {"min_accuracy": 0.5}
    start = [{"width": 32, "epochs": 5}]
    later = search(
        guess, space, name="later", meter=REPLAY, trials=3, start=start, learn_from="first"
    )
    assert later.trials[0].params == {"width": 32, "epochs": 5}
    assert len(later.trials) == 3


def test_an_interval_is_searched_for_so_many_trials() -> None:
    space = [Axis(name="width", low=1, high=64, integer=True)]
    study = search(guess, space, trials=3, meter=REPLAY)
    assert len(study.results) == 3
    assert choose(study).row.trial in {number for number, _ in study.results}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: search("outputs/x", {}), "hand in the function"),
        (lambda: search(guess, {"width": [guess]}), "numbers and words"),
        (lambda: search(guess, {"width": [1]}, constraints={"max_bytes": 9}), "min_accuracy or"),
        (lambda: search(guess, {"width": [1]}, learn_from="none"), "learn_from=none: hand in"),
        (lambda: search(guess, {"width": [1]}, start=[{"depth": 1}]), "depth, which is no axis"),
        (lambda: search(lambda width: width, {"batch": [1]}), "cannot be called with batch"),
        (lambda: search(lambda width: (1, 2), {"width": [1]}), "name='mine'"),
        (lambda: search(lambda **_: 0.9, {"a": 1}, name="x", meter=REPLAY), "two whole numbers"),
        (lambda: search(guess, {"width": []}), "width has no values"),
        (lambda: search(guess, {"width": [1]}, meter="wall"), "meter=wall: type one of"),
        (lambda: Space(["batch"]), "hand in Axis"),
        (lambda: load_study("outputs/none"), "no study in outputs/none"),
        (lambda: rows(toy_study.grid(), "life"), "objective=training|inference|lifetime"),
        (lambda: choose(toy_study.grid(), min_accuracy=95), "type a fraction"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_hand_in(
    ask: Callable[[], object], said: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as refusal:
        ask()
    assert "\n" not in str(refusal.value)


def parts(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, example in PARTS.items():
        room, _, part = example.removesuffix("()").rpartition(".")
        made[name] = getattr(importlib.import_module(room), part)()
    return {**made, "batch": 64, "lr": 0.05, "epochs": 1, **changes}


def test_a_recipe_says_what_to_hand_in() -> None:
    assert Recipe(**parts()).batch == 64
    for name, example in PARTS.items():
        word = "digits" if name == "dataset" else name
        for wrong, shown in ((word, repr(word)), (None, "None"), (dict, "dict")):
            with pytest.raises(BadInput) as refusal:
                Recipe(**parts(**{name: wrong}))
            assert f"Recipe({name}={shown})" in str(refusal.value)
            assert f"such as {example}" in str(refusal.value)
    with pytest.raises(BadInput, match=r"Recipe\(batch='64'\): hand in a number, such as 64"):
        Recipe(**parts(batch="64"))


def test_strings_are_paths(here: Path) -> None:
    record = toy_study.grid()
    store_study(here / "outputs", "toy", record)
    study = load_study("outputs/toy")
    assert study.stages.keys() == record.stages.keys()
    assert rows(study) == rows(record) == rows(study, Objective("lifetime"))
    assert choose(study, min_accuracy=0.9).row == choose(rows(study), min_accuracy=0.9).row
    write_report(study, "inference", "pages/toy.html")
    assert "accuracy and joules per image" in Path("pages/toy.html").read_text(encoding="utf-8")


def test_public_things_explain_themselves() -> None:
    for name in energy_sweep.__all__:
        said = getattr(energy_sweep, name).__doc__
        assert said and not said.startswith(f"{name}("), name


def test_the_command_of_a_trial_is_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    search(guess, {"width": [8, 16]}, meter=REPLAY)
    assert main(["choose", "guess", "--objective", "training"]) == 0
    assert "guess(width=" in capsys.readouterr().out

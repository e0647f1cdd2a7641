"""What is known before a search: points to begin with, and a study of the same axes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formula_world import GRID, IDENTITY, MACHINE, METER, World, space_of, sweep

from energy_sweep.record import BadInput, Objective
from energy_sweep.search import Budget
from energy_sweep.search.acquisition.encoding import encode
from energy_sweep.search.acquisition.learned import LearnedMean
from energy_sweep.search.prior_knowledge import (
    compares,
    learned_answers,
    start_points,
    without_joules,
)
from energy_sweep.study import load_study
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.suggest import Answer

LR = Axis(name="lr", low=0.01, high=1.0, log=True)
EPOCHS = Axis(name="epochs", low=10, high=31, integer=True)
MIXED = Space((LR, EPOCHS, *space_of({"batch": (64, 32, 128), "optimizer": ("sgd", "adam")}).axes))

REFUSED: dict[str, tuple[Any, str]] = {
    "no point": (3, "search.start: point 1 is 3: type search.start=[{lr:0.1,epochs:20}]"),
    "no axis": (
        {"lrr": 1},
        "search.start: point 1 has lrr, which is no axis of this sweep: type lr",
    ),
    "no value": (
        {"batch": 48},
        "search.start: point 1 has batch=48, which its axis has not: type 64",
    ),
    "too much": (
        {"lr": 2.0},
        "search.start: point 1 has lr=2.0, which its axis has not: type a num",
    ),
    "no whole": ({"epochs": 12.5}, "search.start: point 1 has epochs=12.5, which its axis has not"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_point_to_begin_with_that_is_none_is_refused(case: str) -> None:
    given, line = REFUSED[case]
    with pytest.raises(BadInput) as refusal:
        start_points([given], MIXED)
    assert str(refusal.value).startswith(line)


def test_what_a_point_does_not_name_takes_the_middle() -> None:
    [point] = start_points([{}], MIXED)
    assert point == pytest.approx({"lr": 0.1, "epochs": 20, "batch": 64, "optimizer": "sgd"})
    [named] = start_points([{"batch": 128.0, "epochs": 12.0}], MIXED)
    assert (named["batch"], named["epochs"]) == (128, 12)
    assert type(named["batch"]) is type(named["epochs"]) is int
    assert MIXED.contains(named)


@pytest.mark.parametrize("sampler", ["auto", "tpe", "nsgaii", "qmc", "grid", "random"])
def test_they_are_tried_first_and_once(tmp_path: Path, sampler: str) -> None:
    start = [{"batch": 64, "lr": 0.1, "epochs": 20, "level": 0}, {"batch": 64, "lr": 0.1}]
    settings = {"sampler": sampler, "start": [*start, start[0]]}
    for trials in (1, 2, 5):  # cut in between
        sweep(tmp_path, space_of(GRID), budget=Budget(trials=trials), **settings)
    points = [trial.params for trial in load_study(tmp_path, {}).trials]
    assert points[:2] == list(start_points(start, space_of(GRID)))
    assert len(points) == 5
    whole = tmp_path / "whole"
    whole.mkdir()
    sweep(whole, space_of(GRID), budget=Budget(trials=5), **settings)
    assert [trial.params for trial in load_study(whole, {}).trials] == points


def learned(folder: Path, space: Space) -> list[Answer]:
    return learned_answers(load_study(folder, World(folder).records()), space, Objective())


def test_a_study_says_what_it_knows_of_a_space(tmp_path: Path) -> None:
    world = World(tmp_path)
    sweep(tmp_path, space_of({"lr": (0.1, 0.2, 100_000.0), "batch": (32, 64)}), world=world)
    answers = learned(tmp_path, space_of({"batch": (64, 128), "lr": (0.1, 0.3, 100_000.0)}))
    assert [answer.params for answer in answers] == [
        {"batch": 64, "lr": 0.1},
        {"batch": 64, "lr": 100_000.0},
    ]
    first, diverged = answers
    assert first.accuracy is not None and first.joules is not None
    assert (diverged.accuracy, diverged.joules) == (None, None)
    assert without_joules(answers)[0] == first._replace(joules=None)


def test_seeds_are_one_answer(tmp_path: Path) -> None:
    sweep(tmp_path, space_of({"lr": (0.1, 0.2), "seed": (0, 1, 2)}))
    assert len(learned(tmp_path, space_of({"lr": (0.1, 0.2)}))) == 2
    assert len(learned(tmp_path, space_of({"lr": (0.1, 0.2), "seed": (7, 8)}))) == 2


def test_a_study_of_other_axes_is_refused_by_the_axis(tmp_path: Path) -> None:
    sweep(tmp_path, space_of({"lr": (0.1, 0.2), "batch": (32, 64)}))
    with pytest.raises(BadInput, match="batch is an axis that it swept, and this sweep does not"):
        learned(tmp_path, space_of({"lr": (0.1, 0.2)}))
    with pytest.raises(BadInput, match="epochs is an axis that it did not sweep"):
        learned(tmp_path, space_of({"lr": (0.1, 0.2), "batch": (32, 64), "epochs": (10, 20)}))


def test_joules_compare_on_one_meter_machine_and_data(tmp_path: Path) -> None:
    sweep(tmp_path, space_of({"lr": (0.1, 0.2)}))
    record = load_study(tmp_path, {})
    here: dict[str, Any] = {"meter": METER, "machine": MACHINE, "identity": IDENTITY}
    assert compares(record, **here)
    for other in (
        {"meter": dataclasses.replace(METER, sources=("nvml",))},
        {"meter": dataclasses.replace(METER, domains=("cpu",))},
        {"machine": {"device_class": "other"}},
        {"identity": {**IDENTITY, "split": "t"}},
    ):
        assert not compares(record, **{**here, **other})


@pytest.mark.no_cover
def test_a_sampler_begins_with_what_was_learned(tmp_path: Path) -> None:
    """TPE asks near the best of another study at once, where it would ask by lot."""
    space = Space((LR, Axis(name="batch", values=(32, 64))))
    answers = [
        Answer({"lr": 10 ** (-2 + index / 20), "batch": 64}, 1 - abs(index - 20) / 99, 100.0)
        for index in range(40)
    ]
    found = {}
    for name, known in (("alone", []), ("taught", answers)):
        (tmp_path / name).mkdir()
        more: dict[str, Any] = {"sampler": "tpe", "learned": known}
        sweep(tmp_path / name, space, budget=Budget(trials=8), **more)
        trials = load_study(tmp_path / name, {}).trials
        found[name] = sum(abs(math.log10(trial.params["lr"]) + 1) for trial in trials)
        assert len(trials) == 8
    assert found["taught"] < found["alone"]
    accuracies = without_joules(answers)
    (tmp_path / "none").mkdir()
    more = {"sampler": "tpe", "learned": accuracies}
    sweep(tmp_path / "none", space, budget=Budget(trials=8), **more)
    asked = [trial.params for trial in load_study(tmp_path / "none", {}).trials]
    assert asked == [trial.params for trial in load_study(tmp_path / "alone", {}).trials]


def test_what_was_learned_is_the_mean_of_a_search_of_ours() -> None:
    space = Space((LR,))
    rates = [0.01 * 10 ** (step / 10) for step in range(21)]
    answers = [Answer({"lr": lr}, 0.9 - 0.2 * (math.log10(lr) + 1) ** 2) for lr in rates]
    mean = LearnedMean(answers, space)
    features = encode([{"lr": lr} for lr in rates], space)
    expected = mean.of(features)
    assert expected is not None
    shares = np.array([answer.accuracy for answer in answers])
    assert expected == pytest.approx(np.log(shares / (1 - shares)), abs=0.15)
    assert mean.of(features) is expected
    assert LearnedMean([*answers[:2], Answer({"lr": 0.1})], space).of(features) is None


@pytest.mark.no_cover
def test_ours_begins_where_another_study_was_best(tmp_path: Path) -> None:
    """With what was learned, accuracy alone, fewer trials find what is worth it."""
    space = space_of(
        {"batch": (32, 64, 128), "lr": (0.01, 0.1, 0.2, 0.3, 0.4), "epochs": (10, 20, 30)}
    )
    for name in ("first", "alone", "taught"):
        (tmp_path / name).mkdir()
    sweep(tmp_path / "first", space, sampler="grid")
    known = without_joules(learned(tmp_path / "first", space))
    best: dict[str, float] = {}
    for name, more in (("alone", []), ("taught", known)):
        sweep(tmp_path / name, space, budget=Budget(trials=14), learned=more)
        results = load_study(tmp_path / name, {}).results
        best[name] = max(result.accuracy or 0.0 for _, result in results)
        assert len(results) == 14
    assert best["taught"] >= best["alone"]

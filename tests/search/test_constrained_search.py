"""Constraints in a search: kept by the study, told to Optuna, and looked for by samplers."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import optuna
import pytest
from formula_world import GRID, World, space_of, sweep

from energy_sweep.front import PricedStudy
from energy_sweep.front.constraints import Constraints
from energy_sweep.record import Objective
from energy_sweep.search import Budget, Event, Finished
from energy_sweep.study import load_study
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.suggest import Answer, suggest

CHEAP = Constraints(max_joules=220.0, min_accuracy=0.5)


def told(folder: Path) -> dict[int, dict[str, float]]:
    storage = f"sqlite:///{folder / 'study.db'}"
    study = optuna.load_study(study_name="formula", storage=storage)
    return {
        trial.number: {name: over for name, over in trial.constraints.items() if not name.isdigit()}
        for trial in study.get_trials(deepcopy=False)
    }


def test_they_stay_with_the_study_until_others_are_typed(tmp_path: Path) -> None:
    world, events = World(tmp_path), list[Event]()
    space = space_of(GRID)
    sweep(tmp_path, space, world=world, constraints=CHEAP, tell=events.append)
    record = load_study(tmp_path, world.records())
    assert record.constraints == CHEAP.document
    priced = PricedStudy(record, Objective())
    assert 0 < len(priced.rows) < len(priced.unconstrained.rows) == 16
    finished = [event for event in events if isinstance(event, Finished)]
    assert finished[-1].front == len(priced.front)
    known = told(tmp_path)
    for row in priced.unconstrained.rows:
        assert known[row.trial] == pytest.approx(CHEAP.violations(row))
    sweep(tmp_path, space)
    assert load_study(tmp_path, {}).constraints == CHEAP.document
    # Others are told of all trials, those of before too.
    other = Constraints(max_joules=500.0)
    sweep(tmp_path, space, constraints=other)
    for row in priced.unconstrained.rows:
        assert told(tmp_path)[row.trial] == pytest.approx(other.violations(row))
    sweep(tmp_path, space, constraints=Constraints())
    assert load_study(tmp_path, {}).constraints == {}
    assert set(map(len, told(tmp_path).values())) == {0}


def test_a_trial_after_others_were_typed_is_told_as_well(tmp_path: Path) -> None:
    sweep(tmp_path, space_of({"batch": (32, 64)}), constraints=CHEAP)
    space = space_of({"batch": (32, 64, 128)})
    sweep(tmp_path, space, constraints=Constraints(max_joules=1.0))
    found = told(tmp_path)
    assert len(found) == 3
    assert all(set(over) == {"max_joules"} for over in found.values())


def test_a_database_that_is_made_anew_is_told_of_them(tmp_path: Path) -> None:
    sweep(tmp_path, space_of(GRID), constraints=CHEAP)
    before = told(tmp_path)
    (tmp_path / "study.db").write_bytes(b"damaged")
    sweep(tmp_path, space_of(GRID))
    assert told(tmp_path) == before and all(map(len, before.values()))


def asked_inside(sampler: str, limit: float, *, seed: int, trials: int) -> float:
    """The share of what is asked after 12 trials that costs at most 0.4, when that is asked for.

    The more accurate, the more it costs.
    """
    space = Space((Axis(name="x", low=0.0, high=1.0), Axis(name="y", low=0.0, high=1.0)))
    answers = list[Answer]()
    for number in range(trials):
        point = suggest(answers, space, sampler=sampler, seed=seed, number=number)
        joules = 0.1 + point["x"]
        over = {"max_joules": joules / limit - 1}
        answers.append(Answer(point, point["x"] * (1 - point["y"] / 9), joules, over))
    return mean((one.joules or 0) <= 0.4 for one in answers[12:])


@pytest.mark.no_cover
@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "gp"])
def test_samplers_ask_more_inside_of_them(sampler: str) -> None:
    seeds, trials = (range(1), 15) if sampler == "gp" else (range(5), 36)
    loose, strict = (
        mean(asked_inside(sampler, limit, seed=seed, trials=trials) for seed in seeds)
        for limit in (9.0, 0.4)
    )
    assert strict > 1.4 * loose


def test_a_budget_ends_a_constrained_search_like_any_other(tmp_path: Path) -> None:
    outcome = sweep(tmp_path, space_of(GRID), budget=Budget(trials=5), constraints=CHEAP)
    assert len(outcome.new) == 5


@pytest.mark.no_cover
def test_ours_looks_inside_of_them(tmp_path: Path) -> None:
    """A floor of accuracy that few keep: more of what is asked keeps it than without."""
    axes = {"batch": (32, 64, 128), "lr": (0.01, 0.1, 0.2, 0.3), "epochs": (10, 20, 30, 40)}
    floor, kept = 0.57, dict[str, int]()
    for name, limits in (("loose", Constraints()), ("strict", Constraints(min_accuracy=floor))):
        for seed in range(2):
            folder = tmp_path / f"{name}{seed}"
            folder.mkdir()
            budget = Budget(trials=20)
            sweep(folder, space_of(axes), budget=budget, constraints=limits, seed=seed)
            results = load_study(folder, {}).results
            inside = sum((result.accuracy or 0.0) >= floor for _, result in results)
            kept[name] = kept.get(name, 0) + inside
    assert kept["strict"] > kept["loose"]

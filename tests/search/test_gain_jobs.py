"""A search by expected gain per joule: what it weighs, when it ends, and that it resumes."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from formula_world import GRID, World, space_of, sweep
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front.constraints import Constraints
from energy_sweep.front.domination import pareto
from energy_sweep.record import BadInput, StageRecord
from energy_sweep.search import Budget, Event
from energy_sweep.search.acquisition.candidates import ALIKE, MOST, neighbours, sample
from energy_sweep.search.acquisition.telling import telling
from energy_sweep.search.events import Chosen, Previewed
from energy_sweep.study import load_study
from energy_sweep.study.space import Axis, Space

WIDE = GRID | {"lr": (0.01, 0.02, 0.05, 0.1), "level": (0, 0.25, 0.5, 0.75)}


def mixed() -> Space:
    return Space(
        (
            Axis(name="lr", low=0.001, high=1.0, log=True),
            Axis(name="epochs", low=10, high=30, integer=True),
            Axis(name="batch", values=(32, 64, 128)),
            Axis(name="optimizer", values=("sgd", "adam")),
        )
    )


def test_a_sample_fills_the_space_and_is_the_same_again() -> None:
    found = sample(mixed(), seed=1)
    assert found == sample(mixed(), seed=1) != sample(mixed(), seed=2)
    assert 0.75 * MOST < len(found) <= MOST
    assert all(mixed().contains(point) for point in found)
    assert {point["epochs"] for point in found} == set(range(10, 31))
    low = sum(point["lr"] < 0.0316 for point in found)
    assert low == pytest.approx(len(found) / 2, rel=0.1)
    trunks = {(point["lr"], point["batch"], point["optimizer"]) for point in found}
    least = [point for point in found if point["epochs"] == 10]
    assert len(trunks) == len({(one["lr"], one["batch"], one["optimizer"]) for one in least}) > 240


@given(st.integers(0, 1999))
def test_neighbours_differ_in_one_axis_and_lie_in_the_space(number: int) -> None:
    point = sample(mixed(), seed=0)[number % 1500]
    found = neighbours([point], mixed())
    assert found
    for other in found:
        assert mixed().contains(other)
        assert sum(other[name] != point[name] for name in point) == 1
    assert {"sgd", "adam"} - {point["optimizer"]} <= {other["optimizer"] for other in found}


def test_what_is_all_but_measured_is_not_asked_again(tmp_path: Path) -> None:
    space = Space(
        (Axis(name="lr", low=0.001, high=1.0, log=True), Axis(name="batch", values=(32,)))
    )
    sweep(tmp_path, space, budget=Budget(trials=16))
    rates = sorted(trial.params["lr"] for trial in load_study(tmp_path, {}).trials)
    assert len(rates) == 16
    assert min(high / low for low, high in pairwise(rates)) > 1000**ALIKE
    # An interval that is used up goes on with what is left of it.
    assert len(sweep(tmp_path, space, budget=Budget(trials=30)).new) == 14


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_of_many_answers_those_near_the_front_are_told(seed: int) -> None:
    rng = random.Random(seed)
    answers = {number: (rng.random(), rng.choice((1.0, 2.0, 3.0))) for number in range(1800)}
    found = telling(answers)
    assert len(found) == len(set(found)) == 1000
    assert pareto_of(answers) <= set(found)
    few = dict(list(answers.items())[:99])
    assert telling(few) == list(few)


def pareto_of(answers: dict[int, tuple[float, float]]) -> set[int]:
    return {list(answers)[one] for one in pareto(list(answers.values()))}


@pytest.mark.no_cover
def test_cut_after_any_trial_it_asks_what_it_would_have_asked(tmp_path: Path) -> None:
    space = space_of(WIDE)
    (tmp_path / "calm").mkdir()
    (tmp_path / "cut").mkdir()
    sweep(tmp_path / "calm", space, budget=Budget(trials=14))
    for trials in range(1, 15):
        sweep(tmp_path / "cut", space, budget=Budget(trials=trials))
    assert load_study(tmp_path / "cut", {}) == load_study(tmp_path / "calm", {})


def test_what_is_next_is_said_with_its_price_and_the_price_is_right(tmp_path: Path) -> None:
    told: list[Event] = []
    outcome = sweep(tmp_path, space_of(WIDE), budget=Budget(trials=14), tell=told.append)
    chosen = [event for event in told if isinstance(event, Chosen)]
    assert len(chosen) == 14
    assert chosen[0].prediction is None
    assert all(event.prediction is not None for event in chosen[1:])
    # What was measured before is added up; the rest is predicted.
    pairs = zip(chosen[1:], outcome.predicted, strict=True)
    exact = [pair for event, pair in pairs if event.prediction and not event.prediction.uncertainty]
    assert len(exact) >= 4
    for predicted, paid in exact:
        assert predicted == pytest.approx(paid)
    assert median(abs(before / after - 1) for before, after in outcome.predicted if after) < 0.1


def spent(world: World) -> float:
    return sum(record.spent_joules for record in world.records().values())


def dearest(record: StageRecord) -> float:
    return record.spent_joules


@pytest.mark.no_cover
@pytest.mark.parametrize("joules", [211, 307, 401, 523, 602, 733, 811, 907, 1013, 1499])
def test_joule_budgets_are_kept_within_one_stage(tmp_path: Path, joules: float) -> None:
    world = World(tmp_path)
    outcome = sweep(tmp_path, space_of(WIDE), world=world, budget=Budget(joules=joules))
    stage = max(map(dearest, world.records().values()))
    assert outcome.stopped == "joules"
    assert spent(world) <= joules + stage
    # Nothing that would still have fitted is left: all that is open is dearer than what is left.
    again = sweep(tmp_path, space_of(WIDE), world=world, budget=Budget(joules=joules))
    assert again.new == ()


@pytest.mark.parametrize("until", ["stagnation", "doubt=0.2"])
def test_a_search_ends_where_it_finds_no_more(tmp_path: Path, until: str) -> None:
    outcome = sweep(tmp_path, space_of(WIDE), budget=Budget(until=until))
    assert outcome.stopped == until.partition("=")[0]
    assert 0 < len(outcome.new) < 64
    assert sweep(tmp_path, space_of(WIDE), budget=Budget(until=until)).new == ()


@pytest.mark.parametrize("until", ["never", "doubt", "doubt=2", "doubt=none", "stagnation=1"])
def test_another_end_is_refused(until: str) -> None:
    with pytest.raises(BadInput, match=r"type search\.until=stagnation, or search\.until=doubt"):
        Budget(until=until)


def test_diverged_trials_are_not_asked_again(tmp_path: Path) -> None:
    space = space_of(GRID | {"lr": (0.1, 1e5)})
    outcome = sweep(tmp_path, space, budget=Budget(trials=15))
    assert outcome.infeasible
    trials = load_study(tmp_path, {}).trials
    assert len({str(trial.params) for trial in trials}) == len(trials) == 15


def test_seeds_are_repeats_and_no_axis_of_the_surface(tmp_path: Path) -> None:
    space = space_of(GRID | {"seed": (0, 1, 2)})
    outcome = sweep(tmp_path, space, budget=Budget(trials=6))
    keys: set[Any] = {result.config_key for _, result in load_study(tmp_path, {}).results}
    assert (len(keys), outcome.stopped) == (6, "trials")


def test_a_dry_search_tells_its_price_and_runs_nothing(tmp_path: Path) -> None:
    told: list[Event] = []
    space, world = space_of(WIDE), World(tmp_path)
    sweep(tmp_path, space, world=world, budget=Budget(trials=8))
    before, spent_before = load_study(tmp_path, {}), spent(world)
    settings: dict[str, Any] = {"world": world, "dry": True, "tell": told.append}
    for more in (
        {"budget": Budget(trials=20)},
        {"budget": Budget(trials=20), "sampler": "random"},
        {},
    ):
        outcome = sweep(tmp_path, space, **settings, **more)
        assert (outcome.new, outcome.stopped) == ((), "plan")
    assert load_study(tmp_path, {}) == before
    assert world.ran == list(range(8))
    asked, drawn, whole = [event for event in told if isinstance(event, Previewed)]
    assert 0 < len(asked.trials) <= 5
    assert len(drawn.trials) == 1
    assert all(price is not None for _, price in (*asked.trials, *drawn.trials))
    assert whole.count == 64 - 8
    assert whole.together is not None
    sweep(tmp_path, space, world=world)
    paid = spent(world) - spent_before
    assert paid == pytest.approx(whole.together.joules, rel=0.1)


def test_points_to_begin_with_come_first_and_at_their_price(tmp_path: Path) -> None:
    told: list[Event] = []
    start = [{"lr": 0.1, "epochs": 20}, {"batch": 64, "level": 0.5}]
    sweep(tmp_path, space_of(WIDE), start=start, budget=Budget(trials=3), tell=told.append)
    first, second, _ = [event for event in told if isinstance(event, Chosen)]
    assert (first.params["lr"], first.params["epochs"]) == (0.1, 20)
    assert (second.params["batch"], second.params["level"]) == (64, 0.5)
    assert first.prediction is None
    assert second.prediction is not None


def test_a_dry_search_tells_first_what_it_begins_with(tmp_path: Path) -> None:
    told: list[Event] = []
    start = [{"lr": 0.1, "epochs": 20}, {"batch": 64, "level": 0.5}, {"lr": 0.1, "epochs": 20}]
    settings: dict[str, Any] = {"budget": Budget(trials=9), "tell": told.append}
    sweep(tmp_path, space_of(WIDE), start=start, dry=True, **settings)
    sweep(tmp_path, space_of(WIDE), start=start, **settings)
    [previewed] = [event for event in told if isinstance(event, Previewed)]
    asked = [event.params for event in told if isinstance(event, Chosen)]
    assert len(previewed.trials) == 5
    assert [params for params, _ in previewed.trials[:2]] == asked[:2]


def test_what_is_dearer_than_the_constraint_comes_last(tmp_path: Path) -> None:
    constraints = Constraints(max_joules=120)
    space = space_of({"batch": (32, 64, 128), "lr": (0.01, 0.1), "epochs": (10, 20, 30)})
    sweep(tmp_path, space, constraints=constraints, budget=Budget(trials=14))
    taken = [trial.params for trial in load_study(tmp_path, {}).trials]
    cheap = [one["epochs"] * 320 / one["batch"] <= 110 for one in taken]
    assert cheap == [True] * 12 + [False] * 2

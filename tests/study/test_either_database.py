"""What a study promises, with its database in a file and on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from formula_world import World, open_formula, space_of
from optuna.distributions import CategoricalDistribution

from energy_sweep.record import TrialResult
from energy_sweep.study import Study, load_study
from energy_sweep.study.address import Address, parse_address
from energy_sweep.study.space import Space

AXES = {"lr": (0.001, 0.01, 0.1), "batch": (32, 64), "optimizer": ("sgd", "adam")}


@dataclass(frozen=True)
class Home:
    """Where a study is kept, and where Optuna finds it."""

    folder: Path
    storage: Address | None
    optunas: str

    def open(self, space: Space, **more: Any) -> Study:
        return open_formula(self.folder, space, storage=self.storage, **more)

    @property
    def shown(self) -> optuna.Study:
        return optuna.load_study(study_name="formula", storage=self.optunas)


@pytest.fixture(params=["file", "server"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "file":
        return Home(tmp_path, None, f"sqlite:///{tmp_path / 'study.db'}")
    url = request.getfixturevalue("storage")
    return Home(tmp_path, parse_address(url), url.replace(":", "+psycopg:", 1))


def claim(study: Study, world: World, **params: Any) -> tuple[int, TrialResult]:
    job = world.describe(params)
    number = study.claim(
        params=job.params, overrides=job.overrides, config=job.config, seed=job.seed
    )
    return number, world.run(number, job)


def test_each_end_of_a_trial_is_kept_and_shown(home: Home) -> None:
    world = World(home.folder)
    with home.open(space_of(AXES)) as study:
        number, result = claim(study, world, lr=0.01, batch=64, optimizer="adam")
        accuracy = result.accuracy
        study.finish(number, result, 12.5, {"bytes": 2.0})
        number, result = claim(study, world, lr=1000.0)
        study.finish(number, result, None)
        number, _ = claim(study, world, lr=0.1)
        study.fail(number, "no joules")
        number, _ = claim(study, world, lr=0.001)
        inside = study.record(world.records())
    assert load_study(home.folder, world.records()) == inside
    assert [one.state for one in inside.trials] == ["measured", "infeasible", "failed", "running"]
    found = home.shown
    assert [one.state.name for one in found.trials] == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    assert found.metric_names == ["accuracy", "joules"]
    assert found.trials[0].values == [accuracy, 12.5]
    assert found.trials[0].params == {"lr": 0.01, "batch": 64, "optimizer": "adam"}


def test_another_space_and_other_limits_take_all_trials_along(home: Home) -> None:
    world = World(home.folder)
    with home.open(space_of(AXES)) as study:
        for optimizer in ("adam", "sgd"):
            number, result = claim(study, world, lr=0.01, optimizer=optimizer)
            study.finish(number, result, 1.0)
        left, _ = claim(study, world, lr=0.1, optimizer="sgd")
    before = load_study(home.folder, {})
    with home.open(space_of(AXES | {"optimizer": ("adamw", "sgd")})) as study:
        assert [one.number for one in study.left_running()] == [left]
        study.hold(left)
        study.finish(left, world.run(left, world.describe({"lr": 0.1})), 2.0)
        study.keep_constraints({"max_joules": 1.5}, {2: {"max_joules": 0.5}})
        number, result = claim(study, world, lr=0.01, optimizer="adamw")
        study.finish(number, result, 3.0, {"max_joules": 1.5})
    after = load_study(home.folder, {})
    assert after.trials[:2] == before.trials[:2] and len(after.results) == 4
    found = home.shown
    shown = found.trials[-1].distributions["optimizer"]
    assert shown == CategoricalDistribution(["sgd", "adam", "adamw"])
    assert [one.values[1] for one in found.trials] == [1.0, 1.0, 2.0, 3.0]
    outside = [one.constraints.get("max_joules", 0) > 0 for one in found.trials]
    assert outside == [False, False, True, True]


def test_two_workers_see_each_other_and_take_over_what_is_left(home: Home) -> None:
    world, space = World(home.folder), space_of(AXES)
    with home.open(space) as one, home.open(space) as other:
        assert (one.is_joined, other.is_joined) == (False, True)
        number, result = claim(one, world, lr=0.01)
        assert other.refresh() == (number,) and other.left_running() == ()
        assert claim(other, world, lr=0.1)[0] == number + 1
        one.finish(number, result, 1.0)
        other.refresh()
        assert other.trial(number).state == "measured"
        [name] = other.others()
        assert one.others() not in ((), (name,))
        one.close()
        assert other.others() == ()
    with home.open(space) as third:
        assert [left.number for left in third.left_running()] == [number + 1]
    assert len(home.shown.trials) == 2


def test_a_claim_that_the_journal_missed_is_taken_over(home: Home) -> None:
    world, space = World(home.folder), space_of(AXES)
    with home.open(space) as one, home.open(space) as other:
        whole = (home.folder / "study.jsonl").stat().st_size
        number, _ = claim(one, world, lr=0.01)
        with (home.folder / "study.jsonl").open("r+b") as journal:
            journal.truncate(whole)  # as a kill leaves it between the two writes
        job = world.describe({"lr": 0.1})
        assert other.claim(params=job.params, overrides=(), config=job.config) == number + 1
        assert [left.number for left in other.left_running()] == [number]

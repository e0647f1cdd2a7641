"""What every sampler keeps to, whoever wrote it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import formula_world
import pytest
from formula_world import World, space_of, sweep

from energy_sweep.record import BadInput
from energy_sweep.search import Budget
from energy_sweep.study import SAMPLERS, load_study
from energy_sweep.study.space import Axis, Space

TRIALS = 14
NEEDED = {"cmaes": "cmaes"}  # packages that a sampler takes and we do not
SETTINGS = {"gp": {"n_startup_trials": 6}, "nsgaii": {"population_size": 4}}
NUMBERS = {"batch": (64, 32, 128), "lr": (0.01, 0.1, 1.0), "epochs": (10, 20, 30)}


ALL = ("auto", *SAMPLERS)
DAILY = ("auto", "tpe", "random", "grid")  # cut after every trial; `make contracts` cuts the others


@pytest.fixture(params=ALL, name="sampler")
def _sampler(request: pytest.FixtureRequest) -> str:
    if request.param in NEEDED and find_spec(NEEDED[request.param]) is None:
        pytest.skip(f"the package {NEEDED[request.param]} is not installed")
    return request.param


def mixed(sampler: str) -> Space:
    """Numbers typed out of order, an interval and a word, as far as the sampler takes them."""
    if sampler == "grid":
        return space_of({**NUMBERS, "optimizer": ("sgd", "adam")})
    words = () if sampler == "cmaes" else (Axis(name="optimizer", values=("sgd", "adam")),)
    lr = Axis(name="lr", low=0.001, high=1.0, log=True)
    epochs = Axis(name="epochs", low=10, high=30, integer=True)
    return Space((lr, epochs, Axis(name="batch", values=(64, 32, 128)), *words))


def searched(folder: Path, sampler: str, *cuts: int) -> tuple[list[dict[str, Any]], int]:
    """The points of a study, and how many calls they took, when cut after so many trials."""
    folder.mkdir()
    ran = 0
    for trials in (*cuts, TRIALS):
        world = World(folder)
        settings = SETTINGS.get(sampler, {})
        budget = Budget(trials=trials)
        more = {"sampler": sampler, "sampler_settings": settings, "seed": 3}
        sweep(folder, mixed(sampler), world=world, budget=budget, **more)
        ran += len(world.ran)
    return [trial.params for trial in load_study(folder, {}).trials], ran


def in_another_process(folder: Path, sampler: str) -> list[dict[str, Any]]:
    here, world = Path(__file__).parent, Path(formula_world.__file__).parent
    code = (
        "import sys, json, pathlib, test_samplers_contract as one;"
        "print(json.dumps(one.searched(pathlib.Path(sys.argv[1]), sys.argv[2])[0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), sampler],
        env={"PYTHONPATH": f"{here}:{world}:{world.parent}", "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "sampler",
    [pytest.param(one, marks=() if one in DAILY else pytest.mark.contracts) for one in ALL],
    indirect=True,
)
def test_cut_after_every_trial_it_asks_what_it_would_have_asked(
    tmp_path: Path, sampler: str
) -> None:
    whole, ran = searched(tmp_path / "whole", sampler)
    assert searched(tmp_path / "cut", sampler, *range(1, TRIALS)) == (whole, TRIALS)
    assert in_another_process(tmp_path / "other", sampler) == whole
    assert ran == len(whole) == TRIALS
    assert len({json.dumps(point) for point in whole}) == TRIALS
    assert all(mixed(sampler).contains(point) for point in whole)


@pytest.mark.no_cover
def test_a_finite_space_is_asked_to_its_end_and_no_point_twice(
    tmp_path: Path, sampler: str
) -> None:
    space = space_of({"batch": (64, 32), "epochs": (10, 20, 30), "lr": (0.1, 0.1)})
    settings = {"sampler": sampler, "sampler_settings": SETTINGS.get(sampler, {})}
    outcome = sweep(tmp_path, space, **settings)
    assert (len(outcome.new), outcome.stopped) == (6, "done")


def test_samplers_differ(tmp_path: Path, sampler: str) -> None:
    if sampler in ("auto", "random", "grid"):
        return
    mine, _ = searched(tmp_path / "mine", sampler)
    by_lot, _ = searched(tmp_path / "random", "random")
    assert mine != by_lot


def test_a_grid_is_asked_in_the_order_typed_and_needs_no_budget(tmp_path: Path) -> None:
    space = space_of({"batch": (64, 32), "epochs": (20, 10)})
    sweep(tmp_path, space, sampler="grid")
    assert [trial.params for trial in load_study(tmp_path, {}).trials] == list(space.grid())


REFUSED = {
    "grid": (
        {"lr": Axis(name="lr", low=0.1, high=1.0)},
        "search.sampler=grid: lr is an interval, which has no grid: type its values, such as"
        " lr=0.1,1, or another sampler",
    ),
    "cmaes": (
        {"lr": (0.1, 1.0), "optimizer": ("sgd", "adam")},
        "search.sampler=cmaes goes along numbers, and optimizer is sgd, adam: type one value for"
        " optimizer, or search.sampler=gp",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_axis_that_a_sampler_cannot_go_along_is_named(tmp_path: Path, name: str) -> None:
    axes, line = REFUSED[name]
    with pytest.raises(BadInput) as refusal:
        sweep(tmp_path, Space(axes), sampler=name)
    assert str(refusal.value) == line
    assert load_study(tmp_path, {}).trials == ()


def test_cmaes_takes_two_axes_and_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from energy_sweep.study import samplers

    with pytest.raises(BadInput, match="two axes of numbers or more, and lr is swept"):
        samplers.check_space("cmaes", space_of({"lr": (0.1, 1.0), "batch": (32,)}))
    monkeypatch.setattr(samplers, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"type pip install cmaes, or search\.sampler=gp"):
        samplers.check_space("cmaes", space_of(NUMBERS))

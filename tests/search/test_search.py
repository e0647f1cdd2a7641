from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import formula_world
import pytest
from formula_world import GRID, World, open_formula, reading, space_of, sweep

from energy_sweep.front import pareto_numbers
from energy_sweep.record import (
    BadInput,
    EnergySweepError,
    Mark,
    Objective,
    StageRecord,
    StageUse,
    TrialResult,
)
from energy_sweep.search import Budget, Event, Finished, Job, Planned, search_study
from energy_sweep.search.run_order import run_order
from energy_sweep.study import load_study
from energy_sweep.study.space import Axis, Space
from energy_sweep.traces import ZeusTrace


def grid(**changes: Any) -> Space:
    return space_of(GRID | changes)


def configurations(folder: Path) -> list[str]:
    return [result.config_key for _, result in load_study(folder, {}).results]


def test_a_grid_runs_whole_and_each_stage_once(tmp_path: Path) -> None:
    world, events = World(tmp_path), list[Event]()
    outcome = sweep(tmp_path, grid(), world=world, tell=events.append)
    assert outcome.stopped == "done"
    assert outcome.new == tuple(range(16))
    planned, last = events[0], events[-2]
    assert isinstance(planned, Planned)
    assert planned.plan is not None
    assert isinstance(last, Finished)
    # 4 trunks of 16 epochs, 8 cooldowns of 2 or 4, 8 recoveries of 3.
    assert planned.plan.shared_epochs == world.trained == 4 * 16 + 4 * (2 + 4) + 8 * 3
    assert planned.plan.alone_epochs == 8 * (10 + 20) + 8 * 3
    record = load_study(tmp_path, world.records())
    assert last.front == len(pareto_numbers(record, Objective()))
    spent = sum(stage.spent_joules for stage in world.records().values())
    assert last.spent_joules == pytest.approx(spent)
    assert (last.measured, last.total) == (16, 16)


def test_a_plan_goes_depth_first_short_before_long_and_over_costs_in_turn(tmp_path: Path) -> None:
    world = World(tmp_path)
    space = space_of({"epochs": (20, 10), "level": (0, 0.5), "batch": (32, 64)})
    jobs = [world.describe(point) for point in space.grid()]
    ordered = run_order(jobs, {}).jobs
    seen = [(job.config["batch"], job.config["epochs"], job.config["level"]) for job in ordered]
    assert seen == [(b, e, level) for e in (10, 20) for level in (0, 0.5) for b in (32, 64)]
    known = {job.identity for job in ordered[:3]}
    assert run_order(jobs, {}, measured=known).jobs == ordered[3:]


def test_what_the_store_has_is_not_planned_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.describe({"epochs": 10})
    world.run(0, first)
    longer = run_order([world.describe({"epochs": 20})], world.records())
    assert longer.alone_epochs == 20
    assert longer.shared_epochs == 20 - 8


def test_the_same_sweep_again_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path, grid())
    before = load_study(tmp_path, {})
    world = World(tmp_path)
    outcome = sweep(tmp_path, grid(), world=world)
    assert (outcome.new, outcome.repeats, outcome.stopped) == ((), 16, "done")
    assert world.ran == []
    assert load_study(tmp_path, {}) == before


@pytest.mark.no_cover
def test_narrowed_widened_fixed_and_new_axes_run_only_what_is_new(tmp_path: Path) -> None:
    sweep(tmp_path, grid())
    assert sweep(tmp_path, grid(lr=(0.1,))).new == ()
    assert sweep(tmp_path, space_of({"lr": (0.1, 0.01)})).new == ()
    assert len(sweep(tmp_path, grid(lr=(0.01, 0.1, 0.5))).new) == 8
    # Every point measured so far is one of optimizer=sgd.
    assert len(sweep(tmp_path, grid(optimizer=("sgd", "adam"), lr=(0.1,))).new) == 8
    assert len(sweep(tmp_path, grid(optimizer=("adam", "adamw"), lr=(0.1,))).new) == 8
    found = configurations(tmp_path)
    assert len(found) == len(set(found)) == 16 + 8 + 8 + 8


def test_one_configuration_typed_twice_runs_once(tmp_path: Path) -> None:
    events = list[Event]()
    outcome = sweep(tmp_path, space_of({"level": (0, 0.0, 0.5)}), tell=events.append)
    assert len(outcome.new) == 2
    assert isinstance(events[0], Planned)
    assert events[0].plan is not None
    assert events[0].plan.duplicates == 1


def test_seeds_are_repeats_of_a_configuration(tmp_path: Path) -> None:
    outcome = sweep(tmp_path, space_of({"seed": (0, 1, 2), "lr": (0.1, 0.01)}))
    assert len(outcome.new) == 6
    assert len(set(configurations(tmp_path))) == 2


def kill(folder: Path, *arguments: str) -> None:
    """Run a worker that kills itself, as if by kill -9."""
    command = [sys.executable, str(Path(formula_world.__file__)), str(folder)]
    done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((), id="grid", marks=pytest.mark.contracts),
        pytest.param(("tpe",), id="tpe"),
        pytest.param(("auto",), id="auto"),
    ],
)
@pytest.mark.no_cover
def test_killed_and_resumed_equals_undisturbed(tmp_path: Path, settings: tuple[str, ...]) -> None:
    more: dict[str, Any] = {}
    if settings:
        more = {"sampler": settings[0], "budget": Budget(trials=9)}
    (tmp_path / "calm").mkdir()
    (tmp_path / "killed").mkdir()
    sweep(tmp_path / "calm", grid(), **more)
    kill(tmp_path / "killed", "trial", "0", *settings)
    kill(tmp_path / "killed", "telling", "4", *settings)
    kill(tmp_path / "killed", "trial", "7", *settings)
    left = load_study(tmp_path / "killed", {}).trials[-1]
    assert (left.number, left.state) == (7, "running")
    world = World(tmp_path / "killed")
    outcome = sweep(tmp_path / "killed", grid(), world=world, **more)
    assert outcome.new[0] == 7
    assert load_study(tmp_path / "killed", {}) == load_study(tmp_path / "calm", {})
    assert world.stages == World(tmp_path / "calm").stages


def test_a_trial_left_by_a_kill_is_given_up_where_the_axes_moved_on(tmp_path: Path) -> None:
    kill(tmp_path, "trial", "0")
    outcome = sweep(tmp_path, grid(batch=(64,)))
    assert len(outcome.new) == 8
    assert load_study(tmp_path, {}).trials[0].state == "failed"
    assert len(sweep(tmp_path, grid()).new) == 8


def test_a_failed_trial_is_tried_again_by_the_next_sweep(tmp_path: Path) -> None:
    def fail(number: int) -> None:
        if number == 2:
            raise RuntimeError("the disk\nis full")

    outcome = sweep(tmp_path, grid(), world=World(tmp_path, before_result=fail))
    assert (outcome.failed, len(outcome.new), outcome.stopped) == ((2,), 15, "done")
    failed = load_study(tmp_path, {}).trials[2]
    assert (failed.state, failed.error) == ("failed", "RuntimeError: the disk is full")
    assert sweep(tmp_path, grid()).new == (16,)


@pytest.mark.parametrize("sampler", ["auto", "random"])
def test_failures_in_a_row_end_the_sweep(tmp_path: Path, sampler: str) -> None:
    def fail(number: int) -> None:
        if number != 1:
            raise EnergySweepError("no")

    broken = World(tmp_path, before_result=fail)
    outcome = sweep(tmp_path, grid(), world=broken, budget=Budget(max_failures=2), sampler=sampler)
    assert (outcome.failed, outcome.new, outcome.stopped) == ((0, 2, 3), (1,), "failures")
    again = sweep(tmp_path, grid(), sampler=sampler)
    assert len(again.new) == 15
    assert len(set(configurations(tmp_path))) == 16


def test_bad_input_in_a_trial_ends_the_sweep(tmp_path: Path) -> None:
    def refuse(number: int) -> None:
        raise BadInput("batch=0: type batch=1")

    with pytest.raises(BadInput, match="type batch=1"):
        sweep(tmp_path, grid(), world=World(tmp_path, before_result=refuse))
    assert load_study(tmp_path, {}).trials[0].state == "failed"


def test_an_interrupt_leaves_the_trial_to_the_next_sweep(tmp_path: Path) -> None:
    def interrupt(number: int) -> None:
        if number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, grid(), world=World(tmp_path, before_result=interrupt))
    assert sweep(tmp_path, grid()).new == tuple(range(1, 16))


def test_infeasible_trials_are_recorded_and_not_repeated(tmp_path: Path) -> None:
    axes = space_of({"lr": (0.1, 100_000.0, 0.2)})
    outcome = sweep(tmp_path, axes)
    assert (len(outcome.new), len(outcome.infeasible), outcome.failed) == (2, 1, ())
    assert load_study(tmp_path, {}).trials[outcome.infeasible[0]].state == "infeasible"
    assert sweep(tmp_path, axes).infeasible == ()


def test_another_configuration_than_planned_fails_the_trial(tmp_path: Path) -> None:
    world = World(tmp_path)
    run = world.run
    world.run = lambda number, job: run(number, world.describe({"lr": 3}))  # type: ignore[method-assign]
    outcome = sweep(tmp_path, space_of({"lr": (0.1,)}), world=world)
    assert outcome.failed == (0,)
    error = load_study(tmp_path, {}).trials[0].error
    assert error == "it measured another configuration than was planned"


def test_a_result_without_readings_fails_the_trial(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.records = dict  # type: ignore[method-assign]
    assert sweep(tmp_path, space_of({"lr": (0.1,)}), world=world).failed == (0,)


def test_trials_count_configurations_of_the_study(tmp_path: Path) -> None:
    first = sweep(tmp_path, grid(), budget=Budget(trials=5))
    assert (len(first.new), first.stopped) == (5, "trials")
    assert sweep(tmp_path, grid(), budget=Budget(trials=5)).new == ()
    assert len(sweep(tmp_path, grid(), budget=Budget(trials=9)).new) == 4
    assert len(sweep(tmp_path, grid(), budget=Budget(trials=16)).new) == 7
    assert len(set(configurations(tmp_path))) == 16


@pytest.mark.parametrize("name", ["joules", "seconds"])
def test_a_budget_on_what_is_spent_holds_across_commands(tmp_path: Path, name: str) -> None:
    budget = Budget(**{name: 60})
    outcome = sweep(tmp_path, grid(), budget=budget)
    assert outcome.stopped == name
    assert 0 < len(outcome.new) < 16
    assert sweep(tmp_path, grid(), budget=budget).new == ()
    rest = sweep(tmp_path, grid())
    assert len(rest.new) == 16 - len(outcome.new)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.no_cover
def test_a_sampler_on_a_finite_grid_ends_with_all_of_it(tmp_path: Path, sampler: str) -> None:
    outcome = sweep(tmp_path, grid(), sampler=sampler)
    assert (len(outcome.new), outcome.stopped) == (16, "done")
    assert len(set(configurations(tmp_path))) == 16


def continuous(**changes: Any) -> Space:
    lr = Axis(name="lr", low=0.001, high=1.0, log=True)
    epochs = Axis(name="epochs", low=10, high=30, integer=True)
    return Space((lr, epochs, Axis(name="batch", values=changes.get("batch", (32, 64)))))


@pytest.mark.parametrize("sampler", ["auto", "random"])
@pytest.mark.no_cover
def test_an_interrupted_sampler_asks_what_it_would_have_asked(tmp_path: Path, sampler: str) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "parts").mkdir()
    settings = {"sampler": sampler, "seed": 3}
    sweep(tmp_path / "calm", continuous(), budget=Budget(trials=16), **settings)
    for trials in (3, 12, 16):
        sweep(tmp_path / "parts", continuous(), budget=Budget(trials=trials), **settings)
    parts = load_study(tmp_path / "parts", {})
    assert parts == load_study(tmp_path / "calm", {})
    assert len(parts.trials) == 16
    assert all(continuous().contains(trial.params) for trial in parts.trials)


def test_a_sampler_knows_what_was_measured_under_other_axes(tmp_path: Path) -> None:
    sweep(tmp_path, continuous(batch=(64,)), budget=Budget(trials=4))
    fixed = Space(continuous().axes[:2])
    assert sweep(tmp_path, continuous(), budget=Budget(trials=4)).repeats == 4
    # lr and epochs alone mean batch=32, of which nothing is known.
    assert sweep(tmp_path, fixed, budget=Budget(trials=2)).repeats == 0
    # An axis that a stored trial did not name is found by what the trial resolved to.
    assert sweep(tmp_path, continuous(batch=(32,)), budget=Budget(trials=2)).repeats == 2


def test_an_infinite_space_that_is_used_up_ends(tmp_path: Path) -> None:
    space = Space((Axis(name="epochs", low=10, high=12, integer=True),))
    outcome = sweep(tmp_path, space)
    assert (len(outcome.new), outcome.stopped) == (3, "done")


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"trials": 0}, "search.trials=0"),
        ({"joules": -1.0}, "search.joules"),
        ({"max_failures": 0}, "search.max_failures"),
    ],
)
def test_impossible_budgets_are_refused(settings: dict[str, Any], hint: str) -> None:
    with pytest.raises(BadInput, match=hint):
        Budget(**settings)


def test_an_unknown_sampler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"search\.sampler=auto\|tpe\|gp\|"):
        sweep(tmp_path, grid(), sampler="hyperband")


class Trace:
    """ShuffleNetV2 on CIFAR-100 (V100, Adadelta) as Zeus measured it: batch x power x epochs."""

    def __init__(self) -> None:
        self.measured = ZeusTrace.of("v100")
        self.records: dict[str, StageRecord] = {}

    def describe(self, params: dict[str, Any]) -> Job:
        key = f"trunk {params['batch']} {params['power']}"
        use = StageUse(stage="trunk", key=key, cost_key=key, units=params["epochs"])
        return Job(params=params, config=params, seed=0, overrides=(), stages=(use,))

    def run(self, number: int, job: Job) -> TrialResult:
        batch, power, epochs = (job.params[name] for name in ("batch", "power", "epochs"))
        use = job.stages[0]
        mark = Mark(units=1, reading=reading(self.measured.epoch_joules(batch, power)))
        self.records[use.key] = StageRecord(
            stage="trunk", key=use.key, cost_key=use.key, marks=(mark,) * epochs
        )
        correct = round(100_000 * self.measured.mean_accuracy(batch, epochs))
        return TrialResult(
            config=job.config, seed=0, stages=job.stages, n_validation=100_000, correct=correct
        )


def test_the_front_of_the_zeus_trace_is_found(tmp_path: Path) -> None:
    trace = Trace()
    space = space_of(
        {
            "batch": trace.measured.batches,
            "power": trace.measured.limits(128),
            "epochs": (10, 20, 30),
        }
    )
    objective = Objective(name="training")
    with open_formula(tmp_path, space) as study:
        outcome = search_study(
            study,
            lambda: trace.records,
            space,
            describe=trace.describe,
            run=trace.run,
            budget=Budget(),
            objective=objective,
        )
        assert len(outcome.new) == space.size == 210
        record = study.record(trace.records)
    found = []
    for number in pareto_numbers(record, objective):
        result = record.trials[number].result
        assert result is not None
        joules = trace.measured.epoch_joules(result.config["batch"], result.config["power"])
        assert result.config["power"] == 100
        assert result.accuracy is not None
        found.append((round(result.accuracy, 3), round(joules * result.config["epochs"] / 1e3, 1)))
    assert found == [
        (0.315, 9.8),
        (0.4, 9.9),
        (0.41, 11.1),
        (0.5, 14.5),
        (0.51, 19.8),
        (0.52, 22.2),
        (0.59, 29.1),
        (0.6, 43.6),
    ]

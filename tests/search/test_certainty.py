"""Certainty is bought for what decides the front, within its share, and no kill forgets it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from formula_world import World, open_formula, reading, space_of

from energy_sweep.record import (
    BadInput,
    EnergySweepError,
    Mark,
    Objective,
    StageRecord,
    StageUse,
    TrialResult,
)
from energy_sweep.search import Budget, CertaintyOrder, Event, Job, Outcome, search_study
from energy_sweep.search.events import Bought
from energy_sweep.search.ledger import allowed, bought, spent
from energy_sweep.study import load_study
from energy_sweep.study.space import Space

NOISE = 0.05
COSTS = space_of({"batch": (32, 64), "lr": (0.1,)})  # two costs that differ by less than the noise
TRAININGS = space_of({"lr": (0.1, 0.09)})  # two accuracies that differ by less than the seeds


class NoisyWorld(World):
    """A world whose marks are off by 5 %, one a second; `ran_rounds` are the pools of rounds.

    Small batches cost a little less per epoch; of two rates the higher is a little better.
    """

    def __init__(self, folder: Path, *, rounds: int = 10**9, none_of: str = "no pool") -> None:
        super().__init__(folder)
        self.left, self.none_of = rounds, none_of
        self.ran_rounds: list[str] = []

    def order(self, **shares: float) -> CertaintyOrder:
        return CertaintyOrder(
            measure_round=self.measure_round, reseed=self.reseed, keep=self.keep, **shares
        )

    def measure_round(
        self, job: Job, cost_key: str, *, key: str, facts: dict[str, Any]
    ) -> StageRecord:
        assert cost_key in {use.cost_key for use in job.stages}
        if cost_key.startswith(self.none_of):
            raise EnergySweepError("its file is gone")
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.ran_rounds.append(cost_key)
        count = 5 if cost_key.startswith("infer") else 1
        marks = tuple(self.mark(cost_key, key, index) for index in range(count))
        record = StageRecord(
            stage="calibrate", key=key, cost_key=cost_key, marks=marks, facts=facts
        )
        self.keep(record)
        return record

    def reseed(self, params: dict[str, Any], seed: int) -> Job:
        return self.describe({**params, "seed": seed})

    def mark(self, cost_key: str, key: str, index: int) -> Mark:
        joules = 1e-5 if cost_key.startswith("infer") else 10.0
        joules *= 1.01 if "64" in cost_key else 1.0
        off = random.Random(f"{key} {index}").gauss(0, NOISE)
        started = 1.8e9 + 2.0 * sum(len(one.marks) for one in self.stages.values()) + 2.0 * index
        one = replace(reading(joules * (1 + off)), started=started)
        return Mark(units=1, reading=one)

    def _once(self, use: StageUse, batch: int) -> None:
        known = self.stages.get(use.key)
        if known is None or known.units < use.units:
            count = 12 if use.stage == "infer" else int(use.units)
            marks = tuple(self.mark(use.cost_key, use.key, index) for index in range(count))
            self.keep(StageRecord(stage=use.stage, key=use.key, cost_key=use.cost_key, marks=marks))

    def _result(self, job: Job, **found: Any) -> TrialResult:
        luck = random.Random(f"{job.identity}").gauss(0, 20)
        better = {0.1: 0, 0.09: -25}[job.config["lr"]] + 4 * (job.config["batch"] - 32)
        return super()._result(job, **{**found, "correct": int(8000 + better + luck)})


def sweep(folder: Path, space: Space, world: NoisyWorld, **more: Any) -> Outcome:
    tell, budget = more.pop("tell", None), more.pop("budget", Budget())
    with open_formula(folder, space) as study:
        return search_study(
            study,
            world.records,
            space,
            describe=world.describe,
            run=world.run,
            budget=budget,
            objective=Objective(),
            order=world.order(**more),
            tell=tell,
        )


def test_rounds_go_there_and_back_over_the_costs_that_decide(tmp_path: Path) -> None:
    world, events = NoisyWorld(tmp_path), list[Event]()
    outcome = sweep(tmp_path, COSTS, world, certainty=0.5, tell=events.append)
    [said] = outcome.certainty
    assert said.setting == "certainty"
    assert said.rounds == len(world.ran_rounds) > 0
    assert said.seeds == 0
    assert set(world.ran_rounds) == {"epoch 32", "epoch 64"}
    assert len({*Counter(world.ran_rounds).values()}) == 1
    assert world.ran_rounds == world.ran_rounds[::-1]
    records = world.records()
    assert said.joules == pytest.approx(spent(records, "certainty"))
    assert 0 < spent(records) < 0.5 * sum(one.spent_joules for one in records.values())
    assert {record.stage for record in bought(records)} == {"calibrate"}
    assert sum(isinstance(event, Bought) for event in events) > 0


def test_seeds_are_bought_where_accuracy_decides(tmp_path: Path) -> None:
    world = NoisyWorld(tmp_path)
    outcome = sweep(tmp_path, TRAININGS, world, confirm=4.0 / 4)
    [said] = outcome.certainty
    assert said.seeds > 0
    assert world.ran_rounds == []  # both train at the same cost
    trials = load_study(tmp_path, world.records()).trials
    assert len(trials) == 2 + said.seeds
    assert outcome.new == tuple(range(2 + said.seeds))
    seeds = Counter(
        (trial.result.config["lr"], trial.result.seed) for trial in trials if trial.result
    )
    assert set(seeds.values()) == {1}
    extra = [job for job in trials if job.result and job.result.seed]
    keys = {use.key for job in extra if job.result for use in job.result.stages}
    first = {use.key for job in trials[:2] if job.result for use in job.result.stages}
    assert {key for key in keys & first if not key.startswith("infer")} == set()
    assert allowed(world.records(), "confirm", 1.0) >= 0


def test_the_same_command_again_buys_nothing(tmp_path: Path) -> None:
    first = NoisyWorld(tmp_path)
    sweep(tmp_path, COSTS, first, confirm=0.3)
    again = NoisyWorld(tmp_path)
    outcome = sweep(tmp_path, COSTS, again, confirm=0.3)
    assert (again.ran, again.ran_rounds) == ([], [])
    assert outcome.certainty[0].joules == 0
    assert again.records() == first.records()


def test_what_was_bought_before_a_kill_counts(tmp_path: Path) -> None:
    calm = NoisyWorld(tmp_path)
    (tmp_path / "killed").mkdir()
    sweep(tmp_path, COSTS, calm, certainty=0.5)
    killed = NoisyWorld(tmp_path / "killed", rounds=3)
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path / "killed", COSTS, killed, certainty=0.5)
    kept = set(killed.records())
    assert len(killed.ran_rounds) == 3
    resumed = NoisyWorld(tmp_path / "killed")
    sweep(tmp_path / "killed", COSTS, resumed, certainty=0.5)
    assert kept < set(resumed.records())
    assert resumed.ran == []
    assert allowed(resumed.records(), "certainty", 0.5) >= 0
    assert spent(resumed.records()) == pytest.approx(spent(calm.records()), rel=0.3)


def test_a_seed_that_a_kill_interrupted_goes_on_under_its_share(tmp_path: Path) -> None:
    world = NoisyWorld(tmp_path)

    def stop(number: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    world.before_result = stop
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, TRAININGS, world, confirm=1.0)
    left, kept = load_study(tmp_path, {}).trials[2], dict(world.records())
    assert left.state == "running"
    paid = spent(kept, "confirm")
    assert paid > 0
    resumed = NoisyWorld(tmp_path)
    sweep(tmp_path, TRAININGS, resumed, confirm=1.0)
    assert {key: resumed.records()[key] for key in kept}.keys() == kept.keys()
    trials = load_study(tmp_path, {}).trials
    assert trials[2].state == "failed"
    assert trials[3].params == left.params
    assert trials[3].result is not None
    again = [use.key for use in trials[3].result.stages if use.stage != "infer"]
    assert all(resumed.records()[key].marks == kept[key].marks for key in again)
    assert spent(resumed.records(), "confirm") >= paid
    assert allowed(resumed.records(), "confirm", 1.0) >= 0


def test_a_budget_of_the_search_ends_it_too(tmp_path: Path) -> None:
    world = NoisyWorld(tmp_path)
    sweep(tmp_path, COSTS, world)
    most = sum(one.spent_joules for one in world.records().values()) + 25.0
    outcome = sweep(tmp_path, COSTS, world, confirm=1.0, budget=Budget(joules=most, trials=2))
    assert outcome.certainty[0].ended == "joules"
    assert most <= sum(one.spent_joules for one in world.records().values()) < most + 11


def test_where_no_round_can_be_had_others_are(tmp_path: Path) -> None:
    world = NoisyWorld(tmp_path, none_of="epoch 64")
    outcome = sweep(tmp_path, COSTS, world, certainty=0.5)
    assert "epoch 64" not in world.ran_rounds
    assert outcome.certainty[0].ended in ("share", "learned")


def test_a_front_without_doubt_costs_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    order = CertaintyOrder(
        confirm=0.5,
        measure_round=lambda *_, **__: pytest.fail("a round was bought"),
        reseed=lambda *_: pytest.fail("a seed was bought"),
        keep=lambda _: None,
    )
    space = space_of({"lr": (0.1,)})
    with open_formula(tmp_path, space) as study:
        outcome = search_study(
            study,
            world.records,
            space,
            describe=world.describe,
            run=world.run,
            budget=Budget(),
            objective=Objective(),
            order=order,
        )
    assert outcome.certainty[0].ended == "decided"


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan"), True])
def test_what_is_no_share_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(BadInput, match=r"search\.confirm=.*from 0 to 1"):
        NoisyWorld(tmp_path).order(confirm=share)

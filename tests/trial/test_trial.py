"""Sharing is bit-identical, nothing runs twice, and what is gone is trained again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from trial.nets import trained_network

from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.optimizer import SGD, Adam, AdamW
from energy_sweep.optimizer.schedule import Trunk
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput, StageRecord, TrialResult
from energy_sweep.store import StageStore
from energy_sweep.training.loop import load
from energy_sweep.trial import run_trial
from energy_sweep.trial.training.segment import state_file

MakeRecipe = Callable[..., Recipe]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, meter: Meter, recipe: MakeRecipe) -> Path:
    """The stages of a trial of a dense net, and of one of a pruned net."""
    folder = tmp_path_factory.mktemp("made") / "stages"
    store = StageStore(folder, meter_id=meter_id(meter.facts()))
    for level in (0.0, 0.5):
        run_trial(recipe(level=level), meter=meter, store=store)
    return folder


@pytest.fixture
def ran(made: Path, tmp_path: Path, meter: Meter) -> StageStore:
    """A copy of them, to go on from: trials of `recipe()` and `recipe(level=0.5)` have run."""
    folder = shutil.copytree(made, tmp_path / "ran")
    return StageStore(folder, meter_id=meter_id(meter.facts()))


def outcomes(store: StageStore, result: TrialResult) -> dict[str, str | None]:
    records = {use.stage: store.records()[use.key] for use in result.stages}
    hashes = {stage: record.outcome for stage, record in records.items()}
    hashes["trunk"] = None  # a trunk goes on; its states are compared through what branches off
    return hashes


def snapshot(store: StageStore) -> dict[str, StageRecord]:
    return dict(store.records())


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [
        (SGD(), "fp32"),
        (AdamW(), "bf16"),
        # Each optimizer and precision by itself is trained in test_sharing.py.
        *(
            pytest.param(part, precision, marks=pytest.mark.contracts)
            for part, precision in (
                *((SGD(), "bf16"), (AdamW(), "fp32")),
                *((Adam(), "fp32"), (Adam(), "bf16")),
            )
        ),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.slow
@pytest.mark.no_cover
def test_a_shared_trunk_gives_the_weights_of_a_lone_run(
    recipe: MakeRecipe,
    meter: Meter,
    store: StageStore,
    other_store: StageStore,
    optimizer: SGD | Adam | AdamW,
    precision: str,
) -> None:
    dials = {"optimizer": optimizer, "lr": optimizer.lr, "precision": precision}
    for epochs in (2, 5):
        run_trial(recipe(epochs=epochs, **dials), meter=meter, store=store)
    shared = run_trial(recipe(epochs=5, level=0.5, **dials), meter=meter, store=store)
    lone = run_trial(recipe(epochs=5, level=0.5, **dials), meter=meter, store=other_store)
    assert outcomes(store, shared) == outcomes(other_store, lone)
    assert (shared.correct, shared.config) == (lone.correct, lone.config)


def test_the_same_trial_again_runs_nothing(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    first = run_trial(recipe(epochs=2, level=0.5), meter=meter, store=store)
    before = snapshot(store)
    assert run_trial(recipe(epochs=2, level=0.5), meter=meter, store=store) == first
    assert snapshot(store) == before


def test_levels_share_training_and_horizons_share_the_trunk(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    for epochs in (4, 6, 10):
        for level in (0.0, 0.5):
            run_trial(recipe(epochs=epochs, level=level), meter=meter, store=store)
    counts = {
        stage: sum(len(r.marks) for r in store.records().values() if r.stage == stage)
        for stage in ("trunk", "cooldown", "compress", "recover", "export")
    }
    assert counts == {"trunk": 8, "cooldown": 1 + 1 + 2, "compress": 3, "recover": 3, "export": 1}
    assert not any(record.lost for record in store.records().values())
    for record in store.records().values():
        if record.stage in ("trunk", "cooldown", "recover"):
            losses = record.facts["losses"]
            assert list(losses) == [str(epoch) for epoch in range(1, len(record.marks) + 1)]
            assert all(0 < loss < 10 for loss in losses.values())
    [trunk] = [record for record in store.records().values() if record.stage == "trunk"]
    assert trunk.facts["losses"]["8"] < trunk.facts["losses"]["1"]


def test_shorter_horizons_find_their_branch_when_it_was_announced(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    run_trial(recipe(epochs=10), meter=meter, store=store, branch_epochs=(3,))
    run_trial(recipe(epochs=4), meter=meter, store=store)
    trunk = next(r for r in store.records().values() if r.stage == "trunk")
    assert (len(trunk.marks), len(trunk.lost)) == (8, 0)
    run_trial(recipe(epochs=5), meter=meter, store=store)  # branches at 4, which nobody kept
    trunk = next(r for r in store.records().values() if r.stage == "trunk")
    assert (len(trunk.marks), len(trunk.lost)) == (8, 1)


def test_no_trunk_is_left_of_a_single_epoch(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    result = run_trial(recipe(epochs=1), meter=meter, store=store)
    assert [use.stage for use in result.stages] == [
        "prepare",
        "cooldown",
        "export",
        "evaluate",
        "infer",
    ]


def test_a_diverging_loss_is_infeasible_keeps_its_joules_and_is_not_tried_again(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    result = run_trial(recipe(lr=1e5), meter=meter, store=store)
    assert result.correct is None and "diverged" in str(result.infeasible)
    trunk = next(use for use in result.stages if use.stage == "trunk")
    assert 1 <= trunk.units == len(store.records()[trunk.key].marks)
    before = snapshot(store)
    longer = run_trial(recipe(lr=1e5, epochs=10, level=0.5), meter=meter, store=store)
    assert longer.infeasible == result.infeasible
    assert snapshot(store) == before


def test_evicted_weights_are_trained_again_bit_for_bit_and_on_the_bill(
    recipe: MakeRecipe, meter: Meter, ran: StageStore
) -> None:
    store = ran
    result = run_trial(recipe(level=0.5), meter=meter, store=store)
    weights = trained_network(recipe(level=0.5), meter=meter, store=store).state_dict()
    attributed = {key: record.marks for key, record in store.records().items()}
    assert store.clear() > 0
    again = trained_network(recipe(level=0.5), meter=meter, store=store).state_dict()
    assert all(weights[name].equal(again[name]) for name in weights)
    assert {key: record.marks for key, record in store.records().items()} == attributed
    training = [use for use in result.stages if use.stage in ("trunk", "cooldown", "recover")]
    assert all(
        len(store.records()[use.key].lost) == len(store.records()[use.key].marks)
        for use in training
    )


def test_weights_that_nobody_needs_any_more_are_not_trained_again(
    recipe: MakeRecipe, meter: Meter, ran: StageStore
) -> None:
    store = ran
    results = [run_trial(recipe(level=level), meter=meter, store=store) for level in (0.0, 0.5)]
    trunk = next(use for use in results[0].stages if use.stage == "trunk")
    state_file(store, trunk, int(trunk.units)).unlink()
    run_trial(recipe(level=0.75), meter=meter, store=store)  # branches from the cooldown
    before = snapshot(store)
    assert store.clear() > 0
    again = [run_trial(recipe(level=level), meter=meter, store=store) for level in (0.0,)]
    assert again == results[:1]
    assert snapshot(store) == before
    assert not any(record.lost for record in before.values())


@pytest.mark.parametrize("stage", ["cooldown", "recover"])
def test_a_damaged_result_of_training_is_made_again(
    recipe: MakeRecipe,
    meter: Meter,
    ran: StageStore,
    caplog: pytest.LogCaptureFixture,
    stage: str,
) -> None:
    store = ran
    made = recipe(level=0.5 if stage == "recover" else 0.0)
    result = run_trial(made, meter=meter, store=store)
    whole = trained_network(made, meter=meter, store=store).state_dict()
    use = next(use for use in result.stages if use.stage == stage)
    state_file(store, use, int(use.units)).write_bytes(b"not a state")
    again = trained_network(made, meter=meter, store=store).state_dict()
    assert all(whole[name].equal(again[name]) for name in whole)
    assert "run again" in caplog.text


def test_a_damaged_state_is_trained_again(
    recipe: MakeRecipe, meter: Meter, ran: StageStore, caplog: pytest.LogCaptureFixture
) -> None:
    store = ran
    result = run_trial(recipe(), meter=meter, store=store)
    trunk = next(use for use in result.stages if use.stage == "trunk")
    state_file(store, trunk, int(trunk.units)).write_bytes(b"not a state")
    longer = run_trial(recipe(epochs=6), meter=meter, store=store)
    assert longer.correct is not None
    assert "run again" in caplog.text


def test_a_state_file_carries_its_own_readings(
    recipe: MakeRecipe, meter: Meter, ran: StageStore
) -> None:
    store = ran
    result = run_trial(recipe(), meter=meter, store=store)
    trunk = next(use for use in result.stages if use.stage == "trunk")
    _, metadata = load(state_file(store, trunk, int(trunk.units)))
    assert metadata["epoch"] == trunk.units == len(metadata["marks"])


def test_seeds_differ_and_training_cost_keys_do_not(
    recipe: MakeRecipe, meter: Meter, ran: StageStore
) -> None:
    store = ran
    first, second = (run_trial(recipe(seed=seed), meter=meter, store=store) for seed in (0, 1))
    a, b = ({use.stage: use for use in result.stages} for result in (first, second))
    assert a["trunk"].key != b["trunk"].key
    assert a["trunk"].cost_key == b["trunk"].cost_key
    assert a["infer"] == b["infer"]
    assert first.config == second.config


def test_impossible_recipes_are_refused_in_one_line(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    for changes in (
        {"batch": 0},
        {"batch": 5000},
        {"lr": -1.0},
        {"lr": float("nan")},
        {"epochs": 0},
        {"level": 1.5},
        {"precision": "fp8"},
        {"precision": "fp16"},
        {"inference_batch": 0},
    ):
        with pytest.raises(BadInput) as refusal:
            run_trial(recipe(**changes), meter=meter, store=store)
        assert "type" in str(refusal.value) and "\n" not in str(refusal.value)


def test_the_schedule_is_part_of_what_names_weights(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    optimizer = SGD()
    longer = replace(optimizer, schedule=Trunk(warmup_steps=4))
    first, second = (
        run_trial(recipe(epochs=2, optimizer=part), meter=meter, store=store)
        for part in (optimizer, longer)
    )
    assert {u.key for u in first.stages if u.stage == "trunk"}.isdisjoint(
        u.key for u in second.stages
    )

"""Levers of the device in a trial: what they do to its keys, and what running out of memory is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from trial.nets import trained_network

from energy_sweep.compression.base import NoCompression
from energy_sweep.device import Device
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain
from energy_sweep.record import StageRecord, TrialResult
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial
from energy_sweep.trial.deployment.latency import FACT as LATENCY

MakeRecipe = Callable[..., Recipe]
HUGE = 2**46  # float32 values: more than any address space
CAP = 64.0
MACHINE = {"device_class": "one", "torch": "2", "isa": "x"}


class Hungry(nn.Module):
    """Linear, but for wanting a huge tensor in the `at`-th step of its training, or when exported.

    Steps are counted from when it was made, hence from where its training was resumed.
    """

    def __init__(self, features: int, classes: int, at: int, exported: bool):
        super().__init__()
        self.linear = nn.Linear(features, classes)
        self.at, self.exported, self.step = at, exported, 0

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.step += 1
        tracing = torch.compiler.is_exporting()
        if (self.training and self.step == self.at) or (
            self.exported and not self.training and not tracing
        ):
            torch.empty(HUGE)
        return self.linear(images.flatten(1))


@dataclass(frozen=True, kw_only=True)
class HungryNet:
    name: str = "hungry"
    at: int = 0
    exported: bool = False

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Hungry(shape[0] * shape[1] * shape[2], classes, self.at, self.exported)


@pytest.fixture
def hungry(recipe: MakeRecipe) -> MakeRecipe:
    def make(*, cap: float | None = None, **model: int | bool) -> Recipe:
        return recipe(
            model=HungryNet(**model),  # type: ignore[arg-type]
            compression=NoCompression(),
            device=Device(name="cpu", plan="channels_last", memory_gib=cap),
            epochs=4,
        )

    return make


def spent(store: StageStore, stage: str) -> float:
    return sum(r.spent_joules for r in store.records().values() if r.stage == stage)


def used(result: TrialResult) -> dict[str, float]:
    return {use.stage: use.units for use in result.stages}


def record(store: StageStore, result: TrialResult, stage: str) -> StageRecord:
    return next(store.records()[use.key] for use in result.stages if use.stage == stage)


def steps_per_epoch(recipe: Recipe) -> int:
    return len(recipe.dataset.load().train.labels) // recipe.batch


@pytest.mark.parametrize(("at", "exported", "stage"), [(1, False, "prepare"), (0, True, "export")])
def test_single_work_that_runs_out_of_memory_is_infeasible_and_on_the_bill(
    hungry: MakeRecipe, meter: Meter, store: StageStore, at: int, exported: bool, stage: str
) -> None:
    result = run_trial(hungry(at=at, exported=exported), meter=meter, store=store)
    assert result.correct is None
    assert str(result.infeasible).startswith("ran out of memory: a smaller batch=")
    assert list(used(result))[-1] == stage
    tried = record(store, result, stage)
    assert tried.spent_joules > 0
    # What it cost is in no pool of work that was done.
    assert tried.cost_key not in {use.cost_key for use in chain_of(hungry(at=at))}
    before = spent(store, stage)
    run_trial(hungry(at=at, exported=exported), meter=meter, store=store)
    assert spent(store, stage) == pytest.approx(2 * before)


def chain_of(recipe: Recipe) -> tuple[object, ...]:
    planned = replace(recipe, plan=DEFAULT_PLAN)
    return chain(planned, machine=recipe.device.machine(), fingerprint="any")


def test_an_epoch_that_runs_out_of_memory_is_lost_work_and_may_be_tried_again(
    hungry: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = hungry(at=1 + steps_per_epoch(hungry()))
    result = run_trial(made, meter=meter, store=store)
    assert "ran out of memory" in str(result.infeasible)
    assert used(result) == {"prepare": 1, "trunk": 1}
    trunk = record(store, result, "trunk")
    assert (len(trunk.marks), len(trunk.lost)) == (1, 1)
    # Memory that others held may be free by now: it goes on from the epoch that was saved.
    again = run_trial(made, meter=meter, store=store)
    trunk = record(store, again, "trunk")
    assert (len(trunk.marks), len(trunk.lost)) == (2, 2)
    result = run_trial(made, meter=meter, store=store)
    trunk = record(store, result, "trunk")
    assert (len(trunk.marks), len(trunk.lost)) == (3, 2)
    assert result.correct is not None


@pytest.mark.skipif(sys.platform != "linux", reason="memory_gib is for Linux")
def test_what_does_not_fit_a_cap_is_not_tried_again(
    hungry: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = hungry(at=1 + steps_per_epoch(hungry()), cap=CAP)
    result = run_trial(made, meter=meter, store=store)
    assert result.infeasible == "needs more than device.memory_gib=64 GiB of memory"
    before = dict(store.records())
    again = run_trial(made, meter=meter, store=store)
    assert (again.infeasible, again.stages) == (result.infeasible, result.stages)
    assert dict(store.records()) == before
    # Another cap is another configuration.
    other = run_trial(hungry(cap=2 * CAP), meter=meter, store=store)
    assert other.correct is not None
    assert other.config_key != result.config_key


@pytest.mark.skipif(sys.platform != "linux", reason="memory_gib is for Linux")
@pytest.mark.no_cover
def test_a_cap_changes_no_weights(recipe: MakeRecipe, meter: Meter, store: StageStore) -> None:
    states = []
    for device in (
        Device(name="cpu", plan="channels_last"),
        Device(name="cpu", plan="channels_last", memory_gib=CAP),
    ):
        made = recipe(epochs=1, device=device)
        run_trial(made, meter=meter, store=store)
        states.append(trained_network(made, meter=meter, store=store).state_dict())
    assert all(states[0][name].equal(states[1][name]) for name in states[0])


def test_levers_that_are_used_are_in_the_configuration_and_in_every_key(
    recipe: MakeRecipe,
) -> None:
    plain, capped, waiting = (
        recipe(device=Device(name="cpu", **dials), plan=DEFAULT_PLAN)
        for dials in ({}, {"memory_gib": 8}, {"wait_below": 0.5})
    )
    bare = {
        "name": "cpu",
        "threads": 1,
        "processes": 1,
        "deterministic": False,
        "plan": "auto",
    }
    assert plain.config()["device"] == waiting.config()["device"] == bare
    assert capped.config()["device"] == {**bare, "memory_gib": 8.0}
    a, b, c = (chain(one, machine=MACHINE, fingerprint="data") for one in (plain, capped, waiting))
    assert a == c
    for one, other in zip(a, b, strict=True):
        alike = one.stage == "export"  # a file, whatever it was written under
        assert (one.key == other.key) == alike
        assert (one.cost_key == other.cost_key) == alike


def test_graphs_are_priced_apart_where_levers_differ(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    keys = set()
    for device in (
        Device(name="cpu", plan="channels_last"),
        Device(name="cpu", plan="channels_last", wait_below=1.0),
        _capped(),
    ):
        result = run_trial(recipe(epochs=1, device=device), meter=meter, store=store)
        keys.add(next(use.key for use in result.stages if use.stage == "infer"))
    assert len(keys) == 2


def _capped() -> Device:
    return Device(
        name="cpu", plan="channels_last", memory_gib=CAP if sys.platform == "linux" else None
    )


def test_a_reference_graph_is_measured_beside_its_like_only(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    def controls() -> int:
        found = [r for r in store.records().values() if r.stage == "calibrate"]
        return sum(not {"images", LATENCY} & set(record.facts) for record in found)

    run_trial(recipe(epochs=1), meter=meter, store=store)
    run_trial(recipe(epochs=1, inference_batch=16), meter=meter, store=store)
    assert controls() == 0
    run_trial(recipe(epochs=1, model=SmallCNN(width=6, depth=2)), meter=meter, store=store)
    assert controls() == 1  # at the objective's batch; the others have a window and no more


@pytest.mark.no_cover
def test_a_reference_graph_costs_the_same_beside_whatever_net_it_is_measured(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    first = run_trial(recipe(epochs=1), meter=meter, store=store)
    (pool,) = [use.cost_key for use in first.stages if use.stage == "infer"]
    run_trial(recipe(epochs=1, model=SmallCNN(width=8, depth=2)), meter=meter, store=store)
    marks = [m for r in store.records().values() if r.cost_key == pool for m in r.marks]
    assert len([r for r in store.records().values() if r.cost_key == pool]) == 2
    joules = [mark.reading.joules / mark.units for mark in marks]
    assert joules == pytest.approx([joules[0]] * len(joules))

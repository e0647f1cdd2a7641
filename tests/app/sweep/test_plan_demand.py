"""How much a sweep will train under each plan: distinct stages, as far as a budget goes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Quality,
    StageRecord,
)
from energy_sweep.study.space import Axis, Space
from energy_sweep.trial import PlannedStage

PART = DomainEnergy(
    domain="cpu", joules=1.0, uncertainty_joules=0.0, source="s", quality=Quality.ESTIMATED
)
GRID = Space({"batch": [1, 2], "lr": [0.1, 0.2]})
ALL = {"trials": None, "joules": None, "seconds": None, "sampler": "auto"}


def demand(space: Space = GRID, **settings: Any) -> PlanDemand:
    """Two batches, each with trunks of two rates that two horizons share."""
    found = PlanDemand(space, ALL | settings)
    for batch, steps in ((1, 20), (2, 10)):
        for rate in (0.1, 0.2):
            for horizon in (3, 5):
                stages = {
                    f"trunk {batch} {rate}": PlannedStage(horizon, steps),
                    f"cooldown {batch} {rate} {horizon}": PlannedStage(1, steps),
                }
                found.add(f"plan {batch}", stages)
    return found


def record(key: str, epochs: int) -> StageRecord:
    mark = Mark(units=1, reading=EnergyReading(domains=(PART,), seconds=1.0))
    return StageRecord(stage="trunk", key=key, cost_key=key, marks=(mark,) * epochs)


def test_what_stages_share_is_counted_once() -> None:
    first, second = (demand().of(f"plan {batch}", {}) for batch in (1, 2))
    assert (first.steps, second.steps) == (2 * (5 + 2) * 20, 2 * (5 + 2) * 10)
    assert first.done == 0 and first.most_joules == math.inf
    assert demand().of("of nobody", {}).steps == 0


def test_what_the_store_holds_is_done() -> None:
    records = {key: record(key, 4) for key in ("trunk 1 0.1", "cooldown 1 0.1 3", "other")}
    assert demand().of("plan 1", records).done == (4 + 1) * 20


@pytest.mark.parametrize(
    ("settings", "part"),
    [({"trials": 1}, 0.25), ({"trials": 9}, 1.0), ({"sampler": "tpe"}, 1.0)],
)
def test_a_budget_of_trials_is_a_part_of_a_grid(settings: dict[str, Any], part: float) -> None:
    assert demand(**settings).of("plan 1", {}).steps == pytest.approx(280 * part)


def test_joules_and_seconds_are_shared_by_steps() -> None:
    found = demand(joules=30.0, seconds=6).of("plan 1", {})
    assert (found.most_joules, found.most_seconds) == (20.0, 4.0)


def test_of_an_endless_space_the_budget_is_spread_over_plans() -> None:
    lr = Axis(name="lr", low=0.1, high=0.2)
    space = Space([Axis(name="batch", values=(1, 2)), lr])
    for trials, expected in ((8, 8 * 15 / 2), (None, 100 * 15 / 2)):
        found = PlanDemand(space, ALL | {"trials": trials})
        for batch, steps in ((1, 10), (2, 20)):
            found.add(f"plan {batch}", {f"a {batch}": PlannedStage(1, steps)}, axis="batch")
        for rate, steps in ((0.1, 10), (0.2, 20)):
            found.add("plan 1", {f"b {rate}": PlannedStage(1, steps)}, axis="lr")
        assert found.of("plan 1", {}).steps == pytest.approx(expected)
    limited = PlanDemand(space, ALL | {"joules": 8.0})
    limited.add("plan 1", {"a": PlannedStage(1, 10)}, axis="batch")
    found = limited.of("plan 1", {})
    assert found.steps == math.inf and found.most_joules == 8.0

"""What was spent is what the meter read, whether or not its result was kept."""

from __future__ import annotations

import dataclasses

import toy_study

from energy_sweep.record import Mark, Objective
from energy_sweep.search.cost_tracker import CostTracker


def test_work_that_a_kill_took_is_spent_in_joules_and_in_seconds() -> None:
    whole = toy_study.stage("trunk", "a", "epoch", (1, 2.0, 0.0), (1, 2.0, 0.0))
    killed = dataclasses.replace(whole, lost=(Mark(units=1, reading=toy_study.reading(3.0)),))
    elsewhere = dataclasses.replace(killed, key="b", elsewhere="study/0")
    tracker = CostTracker(Objective(), repeatability=lambda _: 0.0)
    tracker.refresh({"a": whole})
    assert (tracker.spent_joules, tracker.spent_seconds) == (4.0, 2.0)
    tracker.refresh({"a": killed, "b": elsewhere})
    assert (tracker.spent_joules, tracker.spent_seconds) == (7.0, 3.0)

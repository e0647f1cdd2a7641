"""`benchmarks/distillation` at toy size: its sides, what each is charged, and its contrasts."""

from __future__ import annotations

import pytest

from benchmarks.distillation import compare
from benchmarks.distillation_run import Task
from energy_sweep.compression import Distill
from energy_sweep.dataset.digits import Digits
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.trial import Teacher


def test_every_side_is_paired_by_seed_and_charged_with_its_teachers() -> None:
    task = Task(dataset=Digits(fraction=0.2), epochs=2, batch=32, width=4)
    teachers = {
        "one": (Distill(), Teacher()),
        "two": (Distill(), Teacher(members=2)),
        "longer": (Distill(), Teacher(epochs=6)),
    }
    found = compare(task, teachers, 2, ReplayMeter(), instead_of=("one", "two"))
    taught, instead = found["against_alone"], found["same_joules"]
    assert list(taught) == list(teachers)
    joules = {name: row["joules"]["means"][0] for name, row in taught.items()}
    own = {name: row["own_joules"]["means"][0] for name, row in taught.items()}
    assert own["one"] == pytest.approx(own["two"]) == pytest.approx(own["longer"])
    assert joules["two"] - own["two"] > 1.5 * (joules["one"] - own["one"]) > 0
    assert joules["longer"] > joules["one"]
    assert set(instead) == {"one: more epochs", "two: more epochs", "one: a wider net"}
    for row in instead.values():
        assert row["n"] == 2 and row["joules"]["times"] == pytest.approx(1, abs=0.35)

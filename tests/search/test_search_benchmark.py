"""A slice of `benchmarks/search`: worlds, what they cost with and without sharing, and its line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.search.__main__ import main
from benchmarks.search.runs import Run
from benchmarks.search.speed import LIMITS, speed
from benchmarks.search.worlds import large, smooth
from benchmarks.search.zeus import zeus


def test_a_store_pays_each_stage_once_and_nobody_else_does() -> None:
    world = smooth(0)
    dense = next(i for i, p in enumerate(world.points) if p["epochs"] == 20)
    shared, alone = Run(world, 0, shared=True), Run(world, 0, shared=False)
    for run in (shared, alone):
        run.measure(dense)
        run.measure(dense + 1)  # the next level
        run.measure(dense + 7)  # ten epochs more
    assert alone.spent == pytest.approx(world.alone[[dense, dense + 1, dense + 7]].sum())
    epoch = world.alone[dense] / 20.3
    assert shared.spent == pytest.approx(epoch * (20.3 + 3.3 + 8 + 6 + 0.3))


def test_worlds_are_as_large_as_said_and_drawn_anew_for_each_seed() -> None:
    assert len(smooth(0).points) == 252
    assert len(large(0).points) == 10_368
    assert not np.array_equal(smooth(0).accuracy, smooth(1).accuracy)


def test_one_training_answers_all_power_limits() -> None:
    run = Run(zeus("v100")(0), 0, shared=True)
    run.measure(0)
    limits = len({point["device.power_limit_watts"] for point in run.world.points})
    assert run.answered.sum() == limits


def test_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seeds", "2", "--worlds", "smooth", "--policies", "ours,random,random_shared,perfect"])
    found = json.loads(capsys.readouterr().out)
    world = found["worlds"]["smooth"]
    median = {name: one["0.95"] for name, one in world["median_joules"].items()}
    assert median["perfect"] < median["ours"] < median["random_shared"] < median["random"]
    assert world["targets"]["over_random_shared"]["met"]
    assert "carbs" in found["missing"]


def test_a_suggestion_is_quick() -> None:
    """The limits are seconds of a core; a machine in use takes a few times as long."""
    rows = {int(answers): row for answers, row in speed(repeats=1).items()}
    assert all(rows[answers]["cold"] < 4 * limit for answers, limit in LIMITS.items())

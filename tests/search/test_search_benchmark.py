"""A slice of `benchmarks/search`: worlds, what they cost with and without sharing, and its line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.search.__main__ import main
from benchmarks.search.product import LOOK_STEPS, ours
from benchmarks.search.runs import Run
from benchmarks.search.speed import LIMITS, speed
from benchmarks.search.worlds import WINDOW, large, smooth
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


def test_each_power_limit_is_trained_anew_and_gives_the_same_answer() -> None:
    run = Run(zeus("v100")(0), 0, shared=True)
    low, high = run.world.points[:2]
    assert {**low, "device.power_limit_watts": 0} == {**high, "device.power_limit_watts": 0}
    assert run.measure(0) == run.measure(1)
    assert run.spent == pytest.approx(run.world.alone[:2].sum())


def test_ours_knows_no_price_before_it_has_paid_it() -> None:
    """What it has spent is what its trials and looks took, and the windows of each new graph."""
    world = smooth(0)
    run = Run(world, 0, shared=True)
    asked = ours(run)
    for _ in range(3):
        next(asked)
    graphs = {run.world.points[row]["compression.level"] for row in run.measured}
    again = 0.4 * (len(run.measured) - len(graphs))
    stages = {
        (stage, joules)
        for row in run.measured
        for stage, joules in zip(run.world.stages[row], run.world.stage_joules[row], strict=True)
        if joules
    }
    paid = sum(joules for _, joules in stages)
    each = {p["batch"]: float(j) for p, j in zip(world.points, world.epoch_joules, strict=True)}
    looks = sum(LOOK_STEPS * batch / world.images * joules for batch, joules in each.items())
    assert run.spent == pytest.approx(looks + paid + WINDOW * (len(graphs) + again))


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

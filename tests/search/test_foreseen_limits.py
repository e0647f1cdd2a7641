"""A search of ours foresees which candidates keep limits of what is deployed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formula_world import World, space_of, sweep

from energy_sweep.front.constraints import Constraints
from energy_sweep.record import StageUse, TrialResult
from energy_sweep.search import Budget, Job
from energy_sweep.search.acquisition.foreseen import chance_kept
from energy_sweep.search.acquisition.stage_table import StageTable
from energy_sweep.study import load_study

AXES = {"batch": (32, 64, 128), "lr": (0.02, 0.1, 0.2), "level": (0, 0.3, 0.6, 0.9)}


class SizedWorld(World):
    """Files are the smaller the higher the level."""

    def describe(self, params: dict[str, Any]) -> Job:
        job = super().describe(params)
        level = job.config["level"]
        key = f"{job.stages[-2].key} right"
        use = StageUse(stage="evaluate", key=key, cost_key=f"evaluate {level}", units=1)
        return dataclasses.replace(job, stages=(*job.stages, use))

    def _result(self, job: Job, **found: Any) -> TrialResult:
        size = int(1000 * (1 - job.config["level"]))
        return dataclasses.replace(super()._result(job, **found), facts={"bytes": size})


def small_files(folder: Path, limits: Constraints, *, trials: int = 12) -> float:
    """The share of trials whose file has at most 500 bytes."""
    folder.mkdir()
    world = SizedWorld(folder)
    budget = Budget(trials=trials)
    sweep(folder, space_of(AXES), world=world, budget=budget, constraints=limits)
    results = [result for _, result in load_study(folder, {}).results]
    return sum(result.facts["bytes"] <= 500 for result in results) / len(results)


def test_it_asks_for_what_is_expected_to_keep_a_limit_of_bytes(tmp_path: Path) -> None:
    free = small_files(tmp_path / "free", Constraints())
    held = small_files(tmp_path / "held", Constraints(max_bytes=500))
    assert held > free and held >= 0.6


def table_of(levels: list[float]) -> StageTable:
    chains = [
        [StageUse(stage="evaluate", key=f"{row}", cost_key=f"evaluate {level}", units=1)]
        for row, level in enumerate(levels)
    ]
    return StageTable.of(chains, {})


def test_a_figure_that_was_measured_decides_and_others_are_as_likely_as_they_are_near() -> None:
    levels = [0.0, 0.1, 0.5, 0.9, 1.0]
    features = np.array(levels)[:, None]
    known = {"evaluate 0.0": 1000.0, "evaluate 0.5": 500.0, "evaluate 1.0": 250.0}
    chance = chance_kept(table_of(levels), features, 400.0, known)
    assert chance[[0, 2, 4]].tolist() == [0, 0, 1]
    assert chance[1] < 0.2 < 0.5 < chance[3]


@pytest.mark.parametrize("known", [{}, {"evaluate of another": 5.0}])
def test_without_a_figure_nothing_is_held_against_a_candidate(known: dict[str, float]) -> None:
    chance = chance_kept(table_of([0.0, 0.5]), np.array([[0.0], [0.5]]), 1.0, known)
    assert (chance > 0.3).all()

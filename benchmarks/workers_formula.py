"""Trials that sleep for a random time, with a store of stages that several processes share."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.in_memory import METER as METER
from benchmarks.in_memory import mark
from energy_sweep.record import EnergyReading, Mark, StageRecord, StageUse, TrialResult
from energy_sweep.search import Job
from energy_sweep.store import StageStore

SHARED_BY = 10  # trials that have a stage in common


def joules_of(stage: str, number: int) -> float:
    """What a stage costs, as a function of its number."""
    return float(1 + number % 7) if stage == "trunk" else 10.0 + number


def reading(joules: float) -> EnergyReading:
    """Joules as a meter would give them."""
    return mark(1.0, joules).reading


@dataclass(frozen=True)
class Formula:
    """Trials that sleep, and then know how accurate they are."""

    store: StageStore
    sleep_seconds: tuple[float, float]

    def describe(self, params: dict[str, Any]) -> Job:
        number = int(params["x"])
        uses = [
            StageUse(stage=stage, key=key, cost_key=key, units=1.0)
            for stage, key in (
                ("prepare", f"{number // SHARED_BY:064x}"),
                ("trunk", f"{1000 + number:064x}"),
            )
        ]
        return Job(params=params, config={"x": number}, seed=0, overrides=(), stages=tuple(uses))

    def run(self, number: int, job: Job) -> TrialResult:
        x = job.config["x"]
        for use in job.stages:
            if self.store.get(use.key) is None:
                if use.stage == "trunk":
                    time.sleep(random.uniform(*self.sleep_seconds))
                which = x if use.stage == "trunk" else x // SHARED_BY
                mark = Mark(units=1.0, reading=reading(joules_of(use.stage, which)))
                self.store.put(
                    StageRecord(stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,))
                )
        return TrialResult(
            config=job.config, seed=0, stages=job.stages, n_validation=1000, correct=500 + x
        )

    def records(self) -> Any:
        self.store.refresh()
        return self.store.records()


def formula(folder: Path, sleep_seconds: tuple[float, float] = (0.0, 0.0)) -> Formula:
    """The trials of a study in a folder."""
    return Formula(StageStore(folder / "stages", meter_id="replay"), sleep_seconds)

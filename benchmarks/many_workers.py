"""What a worker waits for between two trials, by how many trials and workers there are.

    python -m benchmarks.many_workers [--trials 10000] [--workers 64]

So many workers of one study, simulated in one process by formula, take turns over a grid. Each
has read nothing of what the others did since its own last trial. Timed is what a worker does for
one trial: *ask* (read what others wrote, and find what is next), *claim* it, and *tell* its result.
The last line is JSON: milliseconds by the number of trials stored then, how they grow, and what the
whole study then takes: bytes a trial of its journal and database, and seconds to open it anew.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.workers_formula import METER, reading
from energy_sweep.record import JsonDict, Mark, Objective, StageRecord, StageUse, TrialResult
from energy_sweep.search import Job
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.study import Study, open_study
from energy_sweep.study.space import Axis, Space

FACTS: dict[str, Any] = {
    "meter": METER,
    "machine": {"device_class": "formula"},
    "identity": {"dataset": "formula"},
}
ASPECTS = ("ask", "claim", "tell")
TARGET_MS = 50.0
BUCKETS = 10


class Formula:
    """Describes points of one axis, and answers them; its records are those of all workers."""

    def __init__(self) -> None:
        self.records: dict[str, StageRecord] = {}

    def describe(self, params: JsonDict) -> Job:
        key, cost = f"trunk {params['x']}", f"epoch {params['x'] % 100}"
        use = StageUse(stage="trunk", key=key, cost_key=cost, units=1.0)
        return Job(params=params, config=params, seed=0, overrides=(), stages=(use,))

    def run(self, job: Job) -> TrialResult:
        [use] = job.stages
        mark = Mark(units=1.0, reading=reading(1.0 + job.params["x"] % 100))
        self.records[use.key] = StageRecord(
            stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,)
        )
        correct = round(5000 + 4000 * math.sin(job.params["x"]))
        return TrialResult(
            config=job.config, seed=0, stages=job.stages, n_validation=10_000, correct=correct
        )


class Worker:
    """One worker of a study, which goes through the grid as a sweep does."""

    def __init__(self, study: Study, formula: Formula, index: JobIndex, jobs: list[Job]) -> None:
        costs = CostTracker(Objective("training"), repeatability=lambda _: 0.0)
        self.trials = KnownTrials(study, lambda: formula.records, index=index, costs=costs)
        self._formula = formula
        self._queue: Iterator[Job] = (job for job in jobs if job.identity not in self.trials.taken)

    def trial(self) -> dict[str, float]:
        """Run one trial; the milliseconds of each aspect."""
        marks = [time.perf_counter()]
        self.trials.take_in()
        job = next(self._queue)
        marks.append(time.perf_counter())
        number = self.trials.claim(job)
        marks.append(time.perf_counter())
        result = self._formula.run(job)
        begun = time.perf_counter()
        assert self.trials.price(number, result)
        self.trials.keep(number, result)
        told = time.perf_counter() - begun
        asked, claimed = marks[1] - marks[0], marks[2] - marks[1]
        return {"ask": 1e3 * asked, "claim": 1e3 * claimed, "tell": 1e3 * told}


def space_of(trials: int) -> Space:
    return Space((Axis(name="x", values=tuple(range(trials))),))


def measured(folder: Path, trials: int, workers: int) -> list[dict[str, float]]:
    """Median milliseconds of each aspect, in each tenth of so many trials."""
    space = space_of(trials)
    formula, rows = Formula(), list[dict[str, float]]()
    with ExitStack() as stack:
        index = JobIndex(space, formula.describe)
        jobs = [index.job(point) for point in space.grid()]
        studies = [
            stack.enter_context(open_study(folder, "many", space=space, **FACTS))
            for _ in range(workers)
        ]
        crew = [Worker(study, formula, index, jobs) for study in studies]
        for count in range(trials):
            rows.append(crew[count % workers].trial())
            if count % (trials // BUCKETS) == 0:
                print(f"{count:6} trials: " + _words(rows[-1]), flush=True)
    size = trials // BUCKETS
    parts = [rows[start : start + size] for start in range(0, trials, size)]
    return [
        {name: statistics.median(row[name] for row in part) for name in ASPECTS} for part in parts
    ]


def whole(folder: Path, trials: int) -> dict[str, float]:
    """What a study of so many trials takes: bytes a trial, and seconds to open it."""
    sizes = {name: (folder / name).stat().st_size for name in ("study.jsonl", "study.db")}
    begun = time.perf_counter()
    with open_study(folder, "many", space=space_of(trials), **FACTS):
        opened = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = {f"bytes_a_trial_{name}": round(size / trials, 1) for name, size in sizes.items()}
    return {**found, "seconds_to_open": round(opened, 2), "peak_bytes": float(peak)}


def _words(row: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in row.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=64)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = measured(Path(folder), arguments.trials, arguments.workers)
        taken = whole(Path(folder), arguments.trials)
    last = parts[-1]
    growth = {name: last[name] / max(parts[0][name], 1e-6) for name in ASPECTS}
    print(
        json.dumps(
            {
                "trials": arguments.trials,
                "workers": arguments.workers,
                "ms_by_tenth": {name: [round(p[name], 2) for p in parts] for name in ASPECTS},
                "growth_first_to_last_tenth": {name: round(growth[name], 2) for name in ASPECTS},
                "whole": taken,
                "target_ms": TARGET_MS,
                "kept": all(last[name] <= TARGET_MS for name in ASPECTS),
            }
        )
    )


if __name__ == "__main__":
    main()

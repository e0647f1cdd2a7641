"""How long our search takes to say what is next, by how much is known: no training, no database.

    python -m benchmarks.asking [--answers 200,1000,10000]

Trials are answered by formula and kept in memory. A suggestion is all that a sweep does between two
trials: weigh 2,000 candidates and more at today's prices, believe an accuracy of each, and choose.
What is timed is the third suggestion of a process, and the first one from the start, which a
resumed sweep waits for. Besides: what is counted after each trial (joules spent, its price, the
front), the order of a grid of so many points, and the front of the study as the verb prints it.
And how long a typed grid of 10,000 points takes to plan, by what its points share, beside Hydra's
composition of a sample of them; and, once all are measured, to find that nothing is left, for
which the study that is asked is in memory too. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.in_memory import IMAGES, InMemory, mark, record
from benchmarks.typed_grid import GRID, time_planning, typed_grid
from energy_sweep.app.stored_study import GARBAGE_OBJECTS
from energy_sweep.front import PricedStudy
from energy_sweep.record import JsonDict, Objective, StageRecord, StageUse, StudyRecord
from energy_sweep.report.tables import tables
from energy_sweep.search import Budget, Job
from energy_sweep.search.acquisition.candidates import sample
from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import run_order
from energy_sweep.study.space import Axis, Space

TARGET_SECONDS = {200: 0.5, 1000: 2.0, 10_000: 3.0}
MOST_SECONDS = 3.0  # to order a grid, and to print a front
SPACE = Space(
    (
        Axis(name="batch", values=(16, 32, 64, 128, 256)),
        Axis(name="lr", low=1e-4, high=1.0, log=True),
        Axis(name="epochs", values=(5, 10, 20, 30)),
        Axis(name="compression.level", values=(0, 0.2, 0.4, 0.6, 0.8)),
    )
)


def describe(point: JsonDict) -> Job:
    """The job of a point, whose trunk is shared by all levels and lengths."""
    batch, lr, epochs, level = (point[name] for name in SPACE.names)
    trunk, epoch = f"trunk {batch} {lr}", f"epoch {batch}"
    cooled = f"{trunk} @{epochs}"
    uses = [("trunk", trunk, epoch, 0.8 * epochs), ("cooldown", cooled, epoch, 0.2 * epochs)]
    if level:
        uses.append(("compress", f"{cooled} {level}", f"compress {level}", 1.0))
        uses.append(("recover", f"{cooled} {level} again", f"{epoch} {level}", 3.0))
    uses.append(("evaluate", f"{cooled} {level} right", f"evaluate {level}", 1.0))
    uses.append(("infer", f"infer {level}", f"infer {level}", 1.0))
    stages = tuple(StageUse(stage=s, key=k, cost_key=c, units=u) for s, k, c, u in uses)
    return Job(params=point, config=point, seed=0, overrides=(), stages=stages)


def accuracy(point: JsonDict) -> float:
    batch, lr, epochs, level = (point[name] for name in SPACE.names)
    rate = math.exp(-((math.log10(lr / batch) + 3) ** 2) / 2)
    return 0.1 + 0.85 * rate * (1 - math.exp(-epochs / 6)) * (1 - 0.3 * level**3)


def keep(job: Job, records: dict[str, StageRecord]) -> None:
    """Put into the records what they lack of a job."""
    for use in job.stages:
        known = records.get(use.key)
        if known is None or known.units < use.units:
            unit = 1e-3 if use.stage == "infer" else 0.5 + 0.001 * len(use.cost_key)
            records[use.key] = record(use, mark(use.units, use.units * unit))


def answer(study: InMemory, job: Job, records: dict[str, StageRecord]) -> int:
    """Add a trial with its answer by formula, and what the store lacked of it."""
    keep(job, records)
    return study.answer(job, round(IMAGES * accuracy(job.params)))


def points(count: int) -> Iterator[JsonDict]:
    """So many distinct points, none of which is one of the search's own sample."""
    drawn = (sample(SPACE, seed=seed) for seed in itertools.count(100))
    return itertools.islice(itertools.chain.from_iterable(drawn), count)


def time_suggestion(answers: int) -> dict[str, Any]:
    """Seconds to the first suggestion, for another one in the same process, and of all else."""
    study, records = InMemory(), dict[str, StageRecord]()
    for point in points(answers):
        answer(study, describe(point), records)
    begun = time.perf_counter()
    index, costs = JobIndex(SPACE, describe), CostTracker(Objective(), repeatability=lambda _: 0.0)
    trials = KnownTrials(study, lambda: records, index=index, costs=costs)  # type: ignore[arg-type]
    queue = GainJobs(trials, CandidateSet(trials, Objective(), seed=0), budget=Budget())
    seconds: list[float] = []
    for _ in range(3):
        job = next(queue)
        seconds.append(time.perf_counter() - begun)
        trials.tried.add(job.identity)
        begun = time.perf_counter()
    jobs = [describe(trial.params) for trial in study.trials]
    return {
        "answers": answers,
        "first_seconds": round(seconds[0], 3),
        "seconds": round(seconds[-1], 3),
        "trial_seconds": _seconds(lambda: _count(job, study, costs, records)),
        "order_seconds": _seconds(lambda: run_order(jobs, records)),
        "front_seconds": _seconds(lambda: _print_front(study, records)),
        "target_seconds": TARGET_SECONDS.get(answers),
    }


def time_grid() -> dict[str, Any]:
    """Seconds to plan a typed grid, and to find, when it is typed again, that all is measured."""
    with typed_grid(*GRID) as planner:
        jobs, row = time_planning(planner)
        study, records, again = InMemory(), dict[str, StageRecord](), dict[str, JsonDict]()
        for job in jobs:
            keep(job, records)
            study.answer(job, round(IMAGES * (1 - 1 / (2 + len(again) % 97))))
            again[job.identity[0]] = job.params
    with typed_grid(*GRID) as planner:
        space = planner.axes.space
        begun = time.perf_counter()
        index = JobIndex(space, planner.describe, planner.outline)
        costs = CostTracker(Objective(), repeatability=lambda _: 0.0)
        trials = KnownTrials(study, lambda: records, index=index, costs=costs)  # type: ignore[arg-type]
        queue = GainJobs(trials, CandidateSet(trials, Objective(), seed=0), budget=Budget())
        left = next(queue, None)
        seconds = time.perf_counter() - begun
        if left is not None or len(trials.measured) != len(again):
            raise AssertionError("something is left of a finished study")
    return {**row, "again_seconds": round(seconds, 2)}


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 4)


def _count(job: Job, study: InMemory, costs: CostTracker, records: dict[str, StageRecord]) -> None:
    """All that is counted once a trial has run."""
    number = answer(study, job, records)
    result = study.trial(number).result
    assert result is not None
    costs.refresh(records)
    costs.add(number, result)
    if costs.joules(number) is None or not costs.front() or not costs.spent_joules:
        raise AssertionError("a trial has no price")


def _print_front(study: InMemory, records: dict[str, StageRecord]) -> str:
    made = StudyRecord(name="made", trials=tuple(study.trials), stages=records, meter=study.meter)
    return tables(PricedStudy(made), width=120)


def main() -> None:
    """Time all sizes, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", default="200,1000,10000")
    sizes = [int(size) for size in parser.parse_args().answers.split(",")]
    gc.set_threshold(GARBAGE_OBJECTS)  # as in a verb
    time_suggestion(20)  # loads SciPy
    rows = [time_suggestion(size) for size in sizes]
    grid = time_grid()
    met = all(row["seconds"] <= (row["target_seconds"] or math.inf) for row in rows)
    met &= all(max(row["order_seconds"], row["front_seconds"]) <= MOST_SECONDS for row in rows)
    met &= max(grid["seconds"], grid["again_seconds"]) <= MOST_SECONDS
    print(json.dumps({"benchmark": "asking", "rows": rows, "grid": grid, "met": met}))


if __name__ == "__main__":
    main()

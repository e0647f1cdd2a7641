"""How well a search foretells what its trials take: predicted against paid joules, by stage.

    python -m benchmarks.predicting outputs/NAME ...

Reads finished studies of this machine or another. Each trial is predicted anew from what was known
when it began (the trials before it and the records that were there), and compared with the joules
of all marks that were read while it ran. Prints one line of JSON: median and 90 % quantile of the
error of a trial, and by stage its share of all joules and how far it was off, as shares of a trial.
"""

from __future__ import annotations

import argparse
import bisect
import dataclasses
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.asking import InMemory
from energy_sweep.record import Objective, StageRecord, StudyRecord, TrialRecord
from energy_sweep.search import Job
from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.stored import load_study

TARGET = 0.1  # median error of a trial
LEAST_PAID = 0.05  # joules: what all but nothing is left of to pay has no share to be off by


@dataclass(frozen=True, slots=True)
class Ran:
    """A trial, when the one before it ended in Unix seconds, and joules by stage that were read
    while it ran."""

    record: TrialRecord
    begun: float
    paid: Mapping[str, float]


def ran(folder: Path, study: StudyRecord) -> list[Ran]:
    """The trials of a study in the order in which they ended, by the times of their results."""
    found = [one for one in study.trials if one.result is not None]
    ends = {
        one.number: (folder / "trials" / str(one.number) / "result.json").stat().st_mtime
        for one in found
    }
    found.sort(key=lambda one: ends[one.number])
    times = [ends[one.number] for one in found]
    paid: list[defaultdict[str, float]] = [defaultdict(float) for _ in found]
    for record in study.stages.values():
        if "plan" in record.facts or record.elsewhere is not None:
            continue  # which is tried before a trial begins, or was read by another study
        for mark in (*record.marks, *record.lost):
            place = bisect.bisect_left(times, mark.reading.started or 0.0)
            if place < len(found):
                paid[place][_stage(record)] += mark.reading.joules
    return [
        Ran(one, begun, took) for one, begun, took in zip(found, [0.0, *times], paid, strict=False)
    ]


def _stage(record: StageRecord) -> str:
    return "infer" if record.stage == "calibrate" else record.stage


def predictions(trials: list[Ran], study: StudyRecord) -> Iterator[tuple[Ran, dict[str, float]]]:
    """What each trial but the first was expected to take, by stage, before it began."""
    jobs = {json.dumps(one.record.params, sort_keys=True): _job(one.record) for one in trials}
    names = list(trials[0].record.params)
    space = Space([_axis(name, [one.record.params[name] for one in trials]) for name in names])
    known = InMemory(meter=study.meter)
    for number, one in enumerate(trials):
        records = dict(_until(study.stages, one.begun))
        if number:
            asked = _candidates(known, records, space, jobs, trials)
            yield one, asked.stage_joules(one.record.params)
        known.trials.append(dataclasses.replace(one.record, number=number))
        job = jobs[json.dumps(one.record.params, sort_keys=True)]
        known.identities.append(job.identity)


def _candidates(
    known: InMemory,
    records: dict[str, StageRecord],
    space: Space,
    jobs: Mapping[str, Job],
    trials: list[Ran],
) -> CandidateSet:
    index = JobIndex(space, lambda point: jobs[json.dumps(point, sort_keys=True)])
    costs = CostTracker(Objective(), repeatability=lambda _: 0.0)
    now = KnownTrials(known, lambda: records, index=index, costs=costs)  # type: ignore[arg-type]
    found = CandidateSet(now, Objective(), seed=0)
    # Of other points nobody knows the stages.
    points = [one.record.params for one in trials]
    vars(found.points)["base"] = {index.outline(point).identity: point for point in points}
    return found


def _job(trial: TrialRecord) -> Job:
    result = trial.result
    assert result is not None
    return Job(
        params=trial.params,
        config=result.config,
        seed=result.seed,
        overrides=(),
        stages=result.stages,
    )


def _axis(name: str, values: list[Any]) -> Axis:
    return Axis(name=name, values=tuple(sorted(set(values))))


def _until(stages: Mapping[str, StageRecord], time: float) -> Iterator[tuple[str, StageRecord]]:
    """The records of a study as they were at a time."""
    for key, record in stages.items():
        marks = tuple(mark for mark in record.marks if (mark.reading.started or 0.0) < time)
        if marks or not record.marks:
            yield key, dataclasses.replace(record, marks=marks)


def report(folder: Path) -> dict[str, Any]:
    """How far predictions of one study were off, and which stages they were off in."""
    study = load_study(folder)
    errors, paid_by = list[float](), defaultdict[str, list[float]](list)
    off_by = defaultdict[str, list[float]](list)
    for one, predicted in predictions(ran(folder, study), study):
        paid = math.fsum(one.paid.values())
        if paid < LEAST_PAID:
            continue
        errors.append(abs(math.fsum(predicted.values()) / paid - 1))
        for stage in predicted.keys() | one.paid.keys():
            took = one.paid.get(stage, 0.0)
            paid_by[stage].append(took)
            off_by[stage].append((predicted.get(stage, 0.0) - took) / paid)
    whole = math.fsum(joules for found in paid_by.values() for joules in found)
    by_stage = {
        stage: {
            "share": round(math.fsum(paid_by[stage]) / whole, 3),
            "median_off": round(float(np.median(np.abs(off))), 3),
            "mean_off": round(float(np.mean(off)), 3),
        }
        for stage, off in sorted(off_by.items())
    }
    return {
        "study": study.name,
        "trials": len(errors),
        "median_error": round(float(np.median(errors)), 3),
        "quantile_90": round(float(np.quantile(errors, 0.9)), 3),
        "by_stage": by_stage,
    }


def main() -> None:
    """Read the studies, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    found = [report(folder) for folder in parser.parse_args().folders]
    met = all(one["median_error"] <= TARGET for one in found)
    print(json.dumps({"benchmark": "predicting", "studies": found, "met": met}))


if __name__ == "__main__":
    main()

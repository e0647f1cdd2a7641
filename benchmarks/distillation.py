"""Does a teacher pay? Students against themselves alone, and against what the same joules buy.

    python -m benchmarks.distillation [--seeds 8] [--grid]

The task is `mnist5k_hard` at half its resolution: all images, and a tenth of them. Every seed has
a student of half the width taught by each teacher, the same student alone, and what the joules of
the first teacher and its student buy without one: more epochs, and a wider net. Differences are
paired by seed, with 95 % intervals. `--grid` is temperature and weight on few labels instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.distillation_run import Bench, Run, Task
from energy_sweep.compression import Distill
from energy_sweep.dataset.mnist5k_hard import HardMnist5k
from energy_sweep.meter import open_meter
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.trial import Teacher
from energy_sweep.uncertainty.contrasts import paired_contrast
from energy_sweep.uncertainty.effect_sizes import holm

RESOLUTION = 14
ALONE = "alone"
# Of each task: how its nets learn, who teaches, and whose joules are spent otherwise as well.
TASKS = {
    "all": Task(dataset=HardMnist5k(resolution=RESOLUTION), epochs=10, batch=64),
    "few": Task(dataset=HardMnist5k(resolution=RESOLUTION, fraction=0.1), epochs=40, batch=32),
}
TEACHERS = {
    "all": ("default", "longer", "three"),
    "few": ("default", "longer", "wider", "three", "three, shorter"),
}
INSTEAD_OF = {"all": ("default",), "few": ("default", "three")}
# What else to spend joules on: nets by their share of the width of the dense one.
INSTEAD = {"more epochs": 0.5, "a wider net": 0.75}
WIDER, LONGER, SHORTER = 1.5, 2, 1 / 3  # than the teacher that is the default
APART = 100  # between seeds, so that no two share a member of an ensemble
GRID = {
    f"T={temperature:g} alpha={alpha:g}": (
        Distill(temperature=temperature, alpha=alpha),
        Teacher(),
    )
    for temperature, alpha in itertools.product((2.0, 4.0, 8.0), (0.3, 0.6, 0.9))
}
Teachers = Mapping[str, tuple[Distill, Teacher]]


def teachers_of(task: Task) -> Teachers:
    """Whom students of a task can learn from, and how."""
    shorter = max(1, round(SHORTER * task.epochs))
    return {
        "default": (Distill(), Teacher()),
        "longer": (Distill(), Teacher(epochs=LONGER * task.epochs)),
        "wider": (Distill(), Teacher(width=WIDER)),
        "three": (Distill(), Teacher(members=3)),
        "three, shorter": (Distill(), Teacher(members=3, epochs=shorter)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print what was found, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="trainings of each side")
    parser.add_argument("--grid", action="store_true", help="temperature and weight")
    parser.add_argument("--only", choices=list(TASKS), help="one of the tasks")
    options = parser.parse_args(arguments)
    only = options.only or ("few" if options.grid else None)
    tasks = TASKS if only is None else {only: TASKS[only]}
    meter = open_meter("auto", threads=1)
    try:
        found = dict[str, Any]()
        for name, task in tasks.items():
            made = teachers_of(task)
            teachers = GRID if options.grid else {key: made[key] for key in TEACHERS[name]}
            instead_of = () if options.grid else INSTEAD_OF[name]
            found[name] = compare(task, teachers, options.seeds, meter, instead_of=instead_of)
        facts = meter.facts()
    finally:
        meter.close()
    for name, rows in found.items():
        print_rows(name, rows)
    print(
        json.dumps(
            {
                "benchmark": "distillation",
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "sources": list(facts.sources),
                "quality": facts.quality.value,
                "seeds": options.seeds,
                "rows": found,
            }
        )
    )


def compare(
    task: Task,
    teachers: Teachers,
    seeds: int,
    meter: Meter,
    *,
    instead_of: Sequence[str],
) -> dict[str, Any]:
    """Every side of a task at every seed, and each against the student alone.

    `same_joules` are the students of `instead_of` against what else the joules of each buy.
    """
    sides: dict[str, list[Run]] = {}
    others: dict[str, list[Run]] = {}
    epochs = dict[str, int]()
    for index in range(seeds):
        bench = Bench(meter)
        try:
            found = run_sides(bench, task, teachers, index * APART)
            spenders = {name: found[name].joules for name in instead_of}
            spent = run_instead(bench, task, spenders, index * APART, epochs)
        finally:
            bench.close()
        for kept, runs in ((sides, found), (others, spent)):
            for name, run in runs.items():
                kept.setdefault(name, []).append(run)
        raw = {name: dataclasses.astuple(run) for name, run in (found | spent).items()}
        print(f"seed {index + 1} of {seeds}: {json.dumps(raw)}", file=sys.stderr, flush=True)
    against = {name: _contrast(sides[name], sides[ALONE]) for name in teachers}
    adjusted = holm([row["p_value"] for row in against.values()])
    for row, p_value in zip(against.values(), adjusted, strict=True):
        row["holm_p_value"] = p_value
    return {
        "task": {
            **{key: getattr(task, key) for key in ("epochs", "batch", "width", "lr")},
            "fraction": task.dataset.fraction,
            "resolution": task.dataset.resolution,
        },
        "against_alone": against,
        "same_joules": {
            name: _contrast(sides[_teacher(name)], runs) for name, runs in others.items()
        },
        "instead_against_alone": {
            name: _contrast(runs, sides[ALONE]) for name, runs in others.items()
        },
    }


def run_sides(bench: Bench, task: Task, teachers: Teachers, seed: int) -> dict[str, Run]:
    """The student alone, and taught by each."""
    found = {ALONE: bench.run(task.recipe(seed))}
    for name, (technique, teacher) in teachers.items():
        found[name] = bench.run(task.taught(seed, technique, teacher))
    return found


def run_instead(
    bench: Bench, task: Task, joules: Mapping[str, float], seed: int, epochs: dict[str, int]
) -> dict[str, Run]:
    """What the joules of each student buy without its teacher: more epochs or, of the first, those
    of a wider net. How many `epochs` that are is settled by the first seed."""
    runs = dict[str, Run]()
    for what, width in INSTEAD.items():
        model = SmallCNN(width=round(width * task.width))
        # A wider net is dear: one comparison with it is enough.
        names = list(joules) if what == next(iter(INSTEAD)) else list(joules)[:1]
        for side, name in ((f"{name}: {what}", name) for name in names):
            if side not in epochs:
                price = bench.run(task.recipe(seed, model=model)).joules / task.epochs
                epochs[side] = max(1, round(joules[name] / price))
            runs[side] = bench.run(task.recipe(seed, model=model, epochs=epochs[side]))
    return runs


def _teacher(side: str) -> str:
    return side.partition(":")[0]


def _contrast(first: Sequence[Run], second: Sequence[Run]) -> dict[str, Any]:
    """The first less the second, in points and in joules, and times as many joules."""
    pairs = list(zip(first, second, strict=True))
    points = paired_contrast([one.points - two.points for one, two in pairs])
    found: dict[str, Any] = {
        "n": points.n,
        "epochs": [first[0].epochs, second[0].epochs],
        "points": [_mean([run.points for run in side]) for side in (first, second)],
        "difference_points": points.change,
        "interval": [points.low, points.high],
        "p_value": points.p_value,
        "test": points.test,
        "size": points.size,
    }
    for name in ("joules", "own_joules"):
        more = paired_contrast([getattr(one, name) - getattr(two, name) for one, two in pairs])
        times = paired_contrast(
            [math.log(getattr(one, name) / getattr(two, name)) for one, two in pairs]
        )
        found[name] = {
            "means": [_mean([getattr(run, name) for run in side]) for side in (first, second)],
            "difference": more.change,
            "interval": [more.low, more.high],
            "times": math.exp(times.change),
            "times_interval": [math.exp(times.low), math.exp(times.high)],
        }
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def print_rows(name: str, found: Mapping[str, Any]) -> None:
    """A line for each contrast."""
    for group in ("against_alone", "same_joules", "instead_against_alone"):
        print(f"{name}, {group.replace('_', ' ')}:")
        for side, row in found[group].items():
            low, high = row["interval"]
            times, (least, most) = row["joules"]["times"], row["joules"]["times_interval"]
            print(
                f"  {side:24} {row['difference_points']:+.2f} points [{low:+.2f}, {high:+.2f}],"
                f" {times:.2f} times the joules [{least:.2f}, {most:.2f}],"
                f" {row['own_joules']['times']:.2f} without the teacher's; n = {row['n']}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Our search in real trainings, against samplers that share nothing, up to the whole front.

    python -m benchmarks.real_search FOLDER [--searches 3] [--figure FILE.png] [WORDS...]

A complete grid of `WORDS` is trained first; its accuracies and pooled joules are the truth, and
what each of its trials would have spent alone, all in, is what a sampler that shares nothing pays
for it (`energy_sweep.front.bill`). Optuna's TPE and GP are replayed on that grid; what they ask
twice they pay once. Our search is run for real, in a study of its own, and pays what its meter
says. What is in FOLDER already is not run again.

Hypervolume is that of the true accuracies and joules of the configurations measured so far, in
(accuracy, log10 joules), over that of the whole grid; its reference lies a tenth of the front's
extent outside of the front. Prints one line of JSON: median joules to 90, 95 and 99 % of it.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy_sweep.front import PricedStudy
from energy_sweep.front.bill import alone_joules
from energy_sweep.front.domination import Point, hypervolume, pareto, reference_beyond
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.stored import load_study
from energy_sweep.study.suggest import Answer, suggest

SHARES = (0.90, 0.95, 0.99)
ENOUGH = 0.995  # of the hypervolume, at which a replay ends
OUTSIDE = 0.1
SAMPLERS = ("tpe", "gp")

Course = list[tuple[float, float]]  # joules spent, share of the hypervolume


@dataclass(frozen=True)
class Truth:
    """A complete grid: each configuration's point, accuracy, joules, and joules alone, all in."""

    space: Space
    params: Mapping[str, dict[str, Any]]
    points: Mapping[str, Point]
    alone: Mapping[str, float]

    @classmethod
    def of(cls, study: StudyRecord) -> Truth:
        priced = PricedStudy(study, Objective())
        points, alone, params = {}, {}, {}
        results = dict(study.results)
        trials = {trial.number: trial for trial in study.trials}
        for row in priced.rows:
            result = results[row.trial]
            key = result.config_key
            points[key] = (row.accuracy, math.log10(row.joules))
            alone[key] = alone_joules(result, study.stages, priced.prices)
            params[key] = dict(trials[row.trial].params)
        return cls(_space(list(params.values())), params, points, alone)

    @property
    def reference(self) -> Point:
        found = list(self.points.values())
        return reference_beyond([found[index] for index in pareto(found)], OUTSIDE)

    def share(self, keys: Sequence[str]) -> float:
        """Share of the whole front's hypervolume that some configurations have."""
        found = hypervolume([self.points[key] for key in keys], self.reference)
        return found / hypervolume(self.points.values(), self.reference)


def _space(params: Sequence[Mapping[str, Any]]) -> Space:
    names = list(params[0])
    values = {name: sorted({point[name] for point in params}) for name in names}
    return Space([Axis(name=name, values=tuple(values[name])) for name in names])


def replay(truth: Truth, sampler: str, seed: int, until: float) -> Course:
    """What a sampler without sharing reaches, and what it pays for it."""
    keys = {json.dumps(point, sort_keys=True): key for key, point in truth.params.items()}
    told: list[Answer] = []
    seen, spent, course = list[str](), 0.0, Course()
    while spent < until and len(seen) < len(truth.points) and truth.share(seen) < ENOUGH:
        point = suggest(told, truth.space, sampler=sampler, seed=seed, number=len(told))
        key = keys[json.dumps(point, sort_keys=True)]
        accuracy, cost = truth.points[key]
        told.append(Answer(point, accuracy, 10**cost))
        if key not in seen:
            seen.append(key)
            spent += truth.alone[key]
            course.append((spent, truth.share(seen)))
        if len(told) > 4 * len(truth.points):
            break
    return course


def searched(folder: Path, study: StudyRecord, truth: Truth) -> Course:
    """What a search that was run reached, by trial: all joules metered until its result was."""
    marks = [
        (mark.reading.started or 0.0, mark.reading.joules)
        for record in study.stages.values()
        for mark in (*record.marks, *record.lost)
    ]
    seen, course = list[str](), Course()
    for number, result in study.results:
        until = (folder / "trials" / str(number) / "result.json").stat().st_mtime
        if result.config_key in truth.points:
            seen.append(result.config_key)
        spent = math.fsum(joules for started, joules in marks if started <= until)
        course.append((spent, truth.share(seen)))
    return course


def joules_to(courses: Sequence[Course], share: float) -> float | None:
    """Median joules to a share of the hypervolume; None where half of them never reach it."""
    found = [next((j for j, h in course if h >= share), math.inf) for course in courses]
    middle = statistics.median(found)
    return round(middle, 1) if math.isfinite(middle) else None


def sweep(folder: Path, name: str, words: Sequence[str]) -> StudyRecord:
    """Run a sweep in a folder unless it is there, and read what it found."""
    if not (folder / name).exists():
        command = [sys.executable, "-m", "energy_sweep", "-m", f"name={name}", f"outputs={folder}"]
        log = folder / f"{name}.log"
        with log.open("w") as out:
            subprocess.run([*command, *words], check=True, stdout=out, stderr=out)
    return load_study(folder / name)


def figure(courses: Mapping[str, Sequence[Course]], path: Path) -> None:
    """Share of the hypervolume by joules, a line for each run, as a picture."""
    import plotly.graph_objects as go

    colours = dict(zip(courses, ("#d55e00", "#0072b2", "#009e73"), strict=False))
    drawn = go.Figure()
    for name, runs in courses.items():
        for index, course in enumerate(runs):
            spent, reached = zip(*course, strict=True)
            drawn.add_scatter(
                x=spent,
                y=reached,
                name=name,
                mode="lines",
                legendgroup=name,
                showlegend=index == 0,
                line={"color": colours[name], "shape": "hv", "width": 1.5},
                opacity=0.8,
            )
    drawn.update_xaxes(type="log", title="joules spent by the search (estimated)")
    drawn.update_yaxes(title="share of the whole front's hypervolume", range=[0, 1.02])
    drawn.update_layout(template="simple_white", width=900, height=520, font_size=14)
    with tempfile.TemporaryDirectory() as spare:
        page = Path(spare) / "page.html"
        drawn.write_html(page, include_plotlyjs=True, config={"displayModeBar": False})
        browser = shutil.which("chromium") or "chromium"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        shot = [f"--screenshot={path.absolute()}", "--window-size=920,540"]
        wait = "--virtual-time-budget=5000"
        command = [browser, *flags, *shot, wait, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Run what is missing, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--searches", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=0.5, help="share of the grid's trials")
    parser.add_argument("--figure", type=Path)
    asked, words = parser.parse_known_args()
    begun = time.perf_counter()
    asked.folder.mkdir(parents=True, exist_ok=True)
    truth = Truth.of(sweep(asked.folder, "grid", words))
    trials = max(2, round(asked.budget * len(truth.points)))
    more = [[f"search.trials={trials}", f"search.seed={seed}"] for seed in range(asked.searches)]
    ours = [
        sweep(asked.folder, f"ours-{seed}", [*words, *extra]) for seed, extra in enumerate(more)
    ]
    everything = math.fsum(truth.alone.values())
    courses = {
        "ours": [
            searched(asked.folder / f"ours-{seed}", study, truth) for seed, study in enumerate(ours)
        ]
    }
    for name in SAMPLERS:
        courses[name] = [replay(truth, name, seed, everything) for seed in range(asked.seeds)]
    if asked.figure is not None:
        figure(courses, asked.figure)
    best = min(
        (found for name in SAMPLERS if (found := joules_to(courses[name], 0.95)) is not None),
        default=None,
    )
    own = joules_to(courses["ours"], 0.95)
    report = {
        "benchmark": "real_search",
        "configurations": len(truth.points),
        "all_alone_joules": round(everything, 1),
        "joules_to": {
            name: {f"{share:.2f}": joules_to(runs, share) for share in SHARES}
            for name, runs in courses.items()
        },
        "ratio_at_95": None if own is None or best is None else round(own / best, 3),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

"""What metering costs and misses, beside CodeCarbon and Zeus where an interpreter has them.

    python -m benchmarks.meter --peers PYTHON

Counters are stand-ins: a powercap tree of files, and boards behind a compiled libnvidia-ml.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.meter_desk import COUNTERS, POWER, Desk, Subject, subjects_of
from benchmarks.meter_jobs import spin

IDLE_SECONDS = 5.0
CHILDREN, CHILD_SECONDS = 6, 0.4
WORK_SECONDS = 1.5
PEERS = {"codecarbon": "CodeCarbon", "zeus": "Zeus"}


def main() -> None:
    """Measure side by side, print a table, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", help="a Python interpreter that has codecarbon and zeus")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(options.peers, Path(folder))
        with subjects_of(Path(folder)) as subjects:
            for measure in (_edges, _background, _starts):
                rows += measure(desk, subjects, options.repeats)
        # What moves the stand-in counters would be a rival itself.
        for measure in (_short_children, _beside_a_rival):
            rows += measure(desk, options.repeats)
    for row in rows:
        value = "-" if row["value"] is None else f"{row['value']:.4g}"
        print(f"{row['what']:34} {row['subject']:28} {value:>9} {row.get('problem', '')}")
    print(json.dumps(_report(rows, options.repeats)))


def _edges(desk: Desk, subjects: Sequence[Subject], repeats: int) -> list[dict[str, Any]]:
    estimate = subjects[0]
    asked = [(subject, 0) for subject in subjects] + [(estimate, 4)]
    found = _alternate(
        {
            subject.name
            + f", {children} live children" * bool(children): lambda s=subject, c=children: (
                desk.job("edges", s.spec, c, 0.003, environment=s.environment)
            )
            for subject, children in asked
        },
        repeats,
    )
    return [_row("edge seconds", name, results, "edge_seconds") for name, results in found.items()]


def _background(desk: Desk, subjects: Sequence[Subject], repeats: int) -> list[dict[str, Any]]:
    """Shares of one core above those of a process that sleeps; all sleep at the same time."""
    sleepers = [Subject("no meter", None, os.environ), *subjects]
    results: dict[str, list[Any]] = {sleeper.name: [] for sleeper in sleepers}
    with ThreadPoolExecutor(len(sleepers)) as pool:
        for _ in range(repeats):
            jobs = [
                pool.submit(desk.job, "idle", s.spec, IDLE_SECONDS, environment=s.environment)
                for s in sleepers
            ]
            for sleeper, job in zip(sleepers, jobs, strict=True):
                results[sleeper.name].append(job.result())
    rows = [_row("share of a core, idle", name, got, "share") for name, got in results.items()]
    for row in rows[1:]:
        if row["value"] is not None:
            row["above_no_meter"] = row["value"] - rows[0]["value"]
    return rows


def _starts(desk: Desk, subjects: Sequence[Subject], repeats: int) -> list[dict[str, Any]]:
    jobs: dict[str, Callable[[], Any]] = {
        s.name: lambda s=s: desk.job("start", s.spec, environment=s.environment) for s in subjects
    }
    jobs |= {PEERS[name]: lambda name=name: desk.peer(f"{name}_start") for name in PEERS}
    found = _alternate(jobs, repeats)
    rows = [_row("start seconds", name, got, "start_seconds") for name, got in found.items()]
    for row, results in zip(rows, found.values(), strict=True):
        row["import_seconds"] = _middle(results, "import_seconds")
    return rows


def _short_children(desk: Desk, repeats: int) -> list[dict[str, Any]]:
    """CPU seconds of short children over those that they say they used."""
    found = _alternate(
        {
            "estimate": lambda: desk.job("children", CHILDREN, CHILD_SECONDS),
            "CodeCarbon, process mode": lambda: desk.peer(
                "codecarbon_children", CHILDREN, CHILD_SECONDS
            ),
        },
        repeats,
    )
    return [
        _row("short children, counted / true", name, _ratios(got, "cpu_seconds", "said_seconds"))
        for name, got in found.items()
    ]


def _beside_a_rival(desk: Desk, repeats: int) -> list[dict[str, Any]]:
    """Joules of equal work on a core that is shared, over those on a quiet one."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    loops = _loops(WORK_SECONDS)
    jobs: dict[str, Callable[[], Any]] = {
        "estimate": lambda: desk.job("work", loops),
        "CodeCarbon, machine mode": lambda: desk.peer("codecarbon_work", loops),
    }

    def pair(job: Callable[[], Any]) -> dict[str, Any]:
        quiet = job()
        with desk.rival():
            shared = job()
        problem = quiet.get("problem") or shared.get("problem")
        return {"problem": problem} if problem else {"quiet": quiet, "shared": shared}

    found = _alternate({name: lambda job=job: pair(job) for name, job in jobs.items()}, repeats)
    rows: list[dict[str, Any]] = []
    for name, results in found.items():
        pairs = [r if "problem" in r else {k: r[k]["joules"] for k in r} for r in results]
        row = _row("joules beside a rival / quiet", name, _ratios(pairs, "shared", "quiet"))
        for kind in ("quiet", "shared"):
            told = [r[kind]["contended"] for r in results if "problem" not in r]
            row[f"flagged_{kind}"] = None if None in told or not told else statistics.mean(told)
        rows.append(row)
    return rows


def _alternate(jobs: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[Any]]:
    """Results of jobs that take turns, in reverse order every other time."""
    results: dict[str, list[Any]] = {name: [] for name in jobs}
    for repeat in range(repeats):
        for name in list(jobs)[:: 1 if repeat % 2 == 0 else -1]:
            results[name].append(jobs[name]())
    return results


def _row(what: str, subject: str, results: Sequence[Any], key: str = "ratio") -> dict[str, Any]:
    problems = sorted({result["problem"] for result in results if "problem" in result})
    values = [result[key] for result in results if "problem" not in result]
    row: dict[str, Any] = {"what": what, "subject": subject, "value": _middle(results, key)}
    row |= {"low": min(values, default=None), "high": max(values, default=None)}
    return {**row, "problem": problems[0]} if problems else row


def _middle(results: Sequence[Any], key: str) -> float | None:
    values = [result[key] for result in results if "problem" not in result]
    return statistics.median(values) if values else None


def _ratios(results: Sequence[Any], over: str, under: str) -> list[dict[str, Any]]:
    return [r if "problem" in r else {"ratio": r[over] / r[under]} for r in results]


def _loops(seconds: float) -> int:
    before = time.process_time()
    spin(2_000_000)
    return round(2_000_000 * seconds / (time.process_time() - before))


def _report(rows: Sequence[dict[str, Any]], repeats: int) -> dict[str, Any]:
    def of(what: str, subject: str, key: str = "value") -> float | None:
        found = [row for row in rows if row["what"] == what and row["subject"] == subject]
        return found[0].get(key) if found else None

    def off(ratio: float | None) -> float | None:
        return None if ratio is None else abs(ratio - 1)

    edge, idle, begin = "edge seconds", "share of a core, idle", "start seconds"
    rival = "joules beside a rival / quiet"
    asked: list[tuple[str, float | None, float]] = [
        *((f"{edge}, {name}", of(edge, name), 100e-6) for name in COUNTERS),
        (f"{edge}, estimate, 4 children", of(edge, "estimate, 4 live children"), 1e-3),
        *((f"{idle}, {name}", of(idle, name, "above_no_meter"), 0.001) for name in COUNTERS),
        (f"{idle}, {POWER}", of(idle, POWER, "above_no_meter"), 0.01),
        *((f"{begin}, {name}", of(begin, name), 0.05) for name in ("estimate", *COUNTERS, POWER)),
        ("short children, error", off(of("short children, counted / true", "estimate")), 0.03),
        ("beside a rival, error", off(of(rival, "estimate")), 0.25),
        ("beside a rival, not flagged", off(of(rival, "estimate", "flagged_shared")), 0.0),
    ]
    return {
        "benchmark": "meter",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "repeats": repeats,
        "rows": list(rows),
        "targets": {
            name: {"value": value, "target": target, "holds": value is not None and value <= target}
            for name, value, target in asked
        },
    }


if __name__ == "__main__":
    main()

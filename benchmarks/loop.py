"""Images per CPU-second of the training loop: beside its limit, and beside what people write.

    python -m benchmarks.loop --repeats 5

Both sides take turns, on one thread each, warm, in processes of their own since memory is handled
per process. The limit is the same step on one constant batch. `--nets` picks some of the nets.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

from benchmarks.loop_cases import CASES, Case
from benchmarks.loop_sides import start_ours, start_people, time_side
from energy_sweep.hardware.cpu import cpu_model

OURS, PEOPLE = ("loop", "limit", "fp32"), ("people", "lightning")
LIMIT = "ours / limit"
# What a row divides: images per CPU-second of the one side over those of the other.
RATIOS = {
    LIMIT: ("loop", "limit"),
    "ours / people": ("loop", "people"),
    "ours at fp32 / people": ("fp32", "people"),
    "ours / Lightning": ("loop", "lightning"),
    "ours at fp32 / Lightning": ("fp32", "lightning"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure net after net, print a line for each ratio, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--nets", default="", help="parts of the nets' names, with commas")
    parser.add_argument("--tiny", action="store_true", help="see that it runs; ratios mean nothing")
    options = parser.parse_args(arguments)
    wanted = options.nets.split(",")
    cases = [case for case in CASES if any(name in case.name for name in wanted)]
    cases = [case.smaller() for case in cases] if options.tiny else cases
    has_lightning = find_spec("lightning") is not None
    if not has_lightning:
        print("lightning is not installed: its rows are left out", file=sys.stderr)
    rows: list[dict[str, Any]] = []
    for case in cases:
        found = _measure(case, options.repeats, has_lightning and case.model == "small_cnn")
        for row in found:
            spread = f"({row['low']:.3f} to {row['high']:.3f})"
            print(f"{row['net']:30} {row['what']:26} {row['value']:6.3f} {spread}", flush=True)
        rows += found
    print(json.dumps(_report(cases, rows, options.repeats)))


def _measure(case: Case, repeats: int, lightning: bool) -> list[dict[str, Any]]:
    """The rows of one net, from the CPU seconds of epochs that took turns."""
    context = get_context("spawn")
    with (
        ProcessPoolExecutor(1, context) as ours,
        ProcessPoolExecutor(1, context) as people,
    ):
        started = ours.submit(start_ours, case).result()
        people.submit(start_people, case, lightning).result()
        plan = started["plan"]
        sides = ["loop", "limit", "people", "fp32"] + ["lightning"] * lightning
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        if plan[0] == "fp32" and plan[1] == "channels_last":
            sides.remove("fp32")  # it is the same run
            seconds["fp32"] = seconds["loop"]
        for repeat in range(repeats):
            for side in sides[:: 1 if repeat % 2 == 0 else -1]:
                pool = ours if side in OURS else people
                seconds[side].append(pool.submit(time_side, side).result())
    return [
        _row(case, what, " ".join(plan), seconds, over, under) | {"tried": started["seconds"]}
        for what, (over, under) in RATIOS.items()
        if over in seconds and under in seconds
    ]


def _row(
    case: Case, what: str, plan: str, seconds: dict[str, list[float]], over: str, under: str
) -> dict[str, Any]:
    """The median over rounds of a ratio within a round, which what drifts does not move."""
    pairs = zip(seconds[over], seconds[under], strict=True)
    ratios = [below / above for above, below in pairs]
    images = case.batch * case.steps
    return {
        "what": what,
        "net": case.name,
        "data": case.data,
        "batch": case.batch,
        "plan": plan,
        "value": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "images_per_cpu_second": {
            side: images / statistics.median(seconds[side]) for side in (over, under)
        },
    }


def _report(cases: Sequence[Case], rows: list[dict[str, Any]], repeats: int) -> dict[str, Any]:
    values = {(row["what"], row["net"]): row["value"] for row in rows}
    targets: dict[str, Any] = {}
    for case in cases:
        for what, least in ((LIMIT, case.limit), ("ours / people", case.people)):
            if least is not None:
                value = values[what, case.name]
                targets[f"{case.name}, {what}"] = {
                    "value": value,
                    "target": least,
                    "holds": value >= least,
                }
    return {
        "benchmark": "loop",
        "machine": f"{cpu_model()}, {os.cpu_count()} cores, 1 thread",
        "repeats": repeats,
        "rows": rows,
        "targets": targets,
    }


if __name__ == "__main__":
    main()

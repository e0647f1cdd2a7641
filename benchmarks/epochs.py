"""Two controls of training joules: linear in epochs, and dearer in float64 than in fp32.

    python -m benchmarks.epochs --repeats 3

Every run trains digits with the program's own stages into a store of its own, so nothing is
shared; the epochs of all runs take turns, so that all see the same host. Windows beside which other
programs were busy are left out where a run has others; runs that have none count in a fit of their
own, which is no target. Joules are those of the best meter here, which the rows name: without
counters they are estimates, from CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
from typing import Any

from benchmarks.epochs_run import Run
from energy_sweep.meter import open_meter
from energy_sweep.meter.base import Meter
from energy_sweep.uncertainty.intervals import mean_interval, t_quantile

HORIZONS = range(2, 21)
LEAST_R_SQUARED = 0.99
CONTROL_EPOCHS = 10
FEWEST_HORIZONS = 10


def main() -> None:
    """Measure, print what was found, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each horizon")
    parser.add_argument("--pairs", type=int, default=5, help="runs in each precision, in turn")
    options = parser.parse_args()
    meter = open_meter("auto")
    try:
        _whole(meter, epochs=2)  # imports and first calls are nobody's joules
        _whole(meter, epochs=2, precision="float64")
        line = _line(meter, options.repeats)
        control = _control(meter, options.pairs)
        facts = meter.facts()
    finally:
        meter.close()
    measured = {"sources": list(facts.sources), "quality": facts.quality.value}
    rows = [{"what": "joules against epochs", **measured, **line}]
    rows.append({"what": "float64 against fp32", **measured, **control})
    _print(rows)
    print(json.dumps(_report(rows, options.repeats)))


def _whole(meter: Meter, **dials: Any) -> dict[str, Any]:
    run = Run(meter, **dials)
    run.advance(run.epochs)
    return run.finish()


def _interleaved(meter: Meter, repeats: int) -> list[dict[str, Any]]:
    """Runs of every horizon, the epochs of each spread evenly over the time that all take.

    A shared host is now faster, now slower: runs one after the other would each have its mood.
    """
    draw = random.Random(0)
    runs = [Run(meter, epochs, seed=seed) for seed in range(repeats) for epochs in HORIZONS]
    turns = [
        ((epoch + draw.random()) / run.epochs, index)
        for index, run in enumerate(runs)
        for epoch in range(run.epochs)
    ]
    for _, index in sorted(turns):
        runs[index].advance()
    return [run.finish() for run in runs]


def _line(meter: Meter, repeats: int) -> dict[str, Any]:
    """Runs of all horizons in random turns, and the line through those with clean windows."""
    runs = _interleaved(meter, repeats)
    clean = [run for run in runs if run["clean_windows"]]
    enough = len({run["epochs"] for run in clean}) >= FEWEST_HORIZONS
    return {
        "runs": runs,
        "windows": sum(run["epochs"] for run in runs),
        "clean_windows": sum(run["clean_windows"] for run in runs),
        "fitted_runs": len(clean),
        "fit": _fitted(clean) if enough else None,
        "fit_of_means": _fitted(_means(clean)) if enough else None,
        # Beside busy programs the same work costs more, and not always as much more.
        "fit_with_contended": _fitted(runs),
    }


def _means(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One point for each horizon."""
    return [
        {
            "epochs": epochs,
            "joules": statistics.fmean(run["joules"] for run in runs if run["epochs"] == epochs),
        }
        for epochs in sorted({run["epochs"] for run in runs})
    ]


def _fitted(points: list[dict[str, Any]]) -> dict[str, Any]:
    """Least squares of joules on epochs, with 95 % intervals."""
    x = [float(point["epochs"]) for point in points]
    y = [point["joules"] for point in points]
    slope, intercept = statistics.linear_regression(x, y)
    residuals = [b - intercept - slope * a for a, b in zip(x, y, strict=True)]
    off = sum(residual**2 for residual in residuals)
    middle, degrees = statistics.fmean(y), len(x) - 2
    spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
    half = t_quantile(degrees, 0.975) * (off / degrees / spread) ** 0.5
    return {
        "joules_per_epoch": slope,
        "interval": [slope - half, slope + half],
        "joules_at_0_epochs": intercept,
        "r_squared": 1 - off / sum((b - middle) ** 2 for b in y),
        "residuals": [
            {"epochs": int(a), "joules": b} for a, b in sorted(zip(x, residuals, strict=True))
        ],
    }


def _control(meter: Meter, pairs: int) -> dict[str, Any]:
    """Both precisions in turn, the first one changing; joules per epoch and their difference."""
    found: dict[str, list[float]] = {"fp32": [], "float64": []}
    clean = 0
    for pair in range(pairs):
        for precision in list(found)[:: 1 if pair % 2 == 0 else -1]:
            run = _whole(meter, epochs=CONTROL_EPOCHS, precision=precision, seed=pair)
            found[precision].append(run["joules_per_epoch"])
            clean += run["clean_windows"]
    more = [b - a for a, b in zip(found["fp32"], found["float64"], strict=True)]
    mean, interval = mean_interval(more)
    return {
        "joules_per_epoch": found,
        "difference_joules_per_epoch": mean,
        "interval": list(interval),
        "ratio": statistics.fmean(found["float64"]) / statistics.fmean(found["fp32"]),
        "windows": 2 * pairs * CONTROL_EPOCHS,
        "clean_windows": clean,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    line, control = rows
    print(f"joules from {', '.join(line['sources'])} ({line['quality']})")
    print(
        f"{len(line['runs'])} runs of {HORIZONS[0]} to {HORIZONS[-1]} epochs,"
        f" {line['clean_windows']} of {line['windows']} windows clean"
    )
    for name in ("fit", "fit_of_means", "fit_with_contended"):
        if line[name] is None:
            print(f"{name}: fewer than {FEWEST_HORIZONS} horizons have a clean window")
            continue
        got = line[name]
        low, high = got["interval"]
        print(
            f"{name.replace('_', ' ')}: {got['joules_per_epoch']:.4g} J per epoch"
            f" [{low:.4g}, {high:.4g}], {got['joules_at_0_epochs']:.3g} J before the first,"
            f" R squared {got['r_squared']:.4f}"
        )
    for point in (line["fit_of_means"] or line["fit_with_contended"])["residuals"]:
        print(f"  {point['epochs']:2} epochs: {point['joules']:+.3f} J off the line")
    low, high = control["interval"]
    print(
        f"float64 takes {control['difference_joules_per_epoch']:.3g} J per epoch more than fp32"
        f" [{low:.3g}, {high:.3g}], {control['ratio']:.2f} times as much"
        f" ({control['clean_windows']} of {control['windows']} windows clean)"
    )


def _report(rows: list[dict[str, Any]], repeats: int) -> dict[str, Any]:
    line, control = rows
    r_squared = None if line["fit"] is None else line["fit"]["r_squared"]
    more = control["interval"][0]
    return {
        "benchmark": "epochs",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "repeats": repeats,
        "rows": rows,
        "targets": {
            "R squared of joules against epochs, clean windows": {
                "value": r_squared,
                "target": LEAST_R_SQUARED,
                "holds": r_squared is not None and r_squared >= LEAST_R_SQUARED,
            },
            "joules per epoch of float64 above fp32, low end of 95 %": {
                "value": more,
                "target": 0.0,
                "holds": more > 0,
            },
        },
    }


if __name__ == "__main__":
    main()

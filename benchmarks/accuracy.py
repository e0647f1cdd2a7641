"""What compression costs in accuracy, on real training: the program's own sweeps on mnist5k.

    python -m benchmarks.accuracy [--seeds 5] [--only "prune small_cnn"]

A case is a study over seeds; the compressed net of a seed is compared with its reference, a dense
net or the student alone, on the validation images, and the mean difference has a 95 % interval over
seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy_sweep.uncertainty.intervals import mean_interval

COMMON = ("dataset=mnist5k", "batch=64", "search/space=none", "name=study")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sweeps into one study; `compressed` names the technique, all other trials are references.

    The mean difference in accuracy, in points, is to be at least `least`, where one is given.
    """

    name: str
    sweeps: tuple[tuple[str, ...], ...]
    compressed: str
    least: float | None = None


CASES = (
    Case(
        name="prune small_cnn",
        sweeps=(("compression=none,prune", "compression.level=0.75", "epochs=10", "lr=0.1"),),
        compressed="prune",
        least=-1.0,
    ),
    Case(
        name="prune resnet18",
        sweeps=(
            (
                *("model=resnet18", "model.width=0.25", "dataset.resolution=14"),
                *("compression=none,prune", "compression.level=0.75", "epochs=5", "lr=0.1"),
            ),
        ),
        compressed="prune",
        least=-1.0,
    ),
    Case(
        name="distill small_cnn",
        sweeps=(
            ("compression=distill", "compression.level=0.75", "epochs=5", "lr=0.1"),
            ("compression=none", "model.width=8", "epochs=5", "lr=0.1"),
        ),
        compressed="distill",
    ),
)


def main() -> None:
    """Run the sweeps, print what was found, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each net")
    parser.add_argument(
        "--only", choices=[case.name for case in CASES], help="the name of one case"
    )
    options = parser.parse_args()
    rows = [_row(case, options.seeds) for case in CASES if options.only in (None, case.name)]
    targets = {
        f"{row['case']}: points of accuracy against dense": {
            "value": row["difference_points"],
            "target": row["least"],
            "holds": row["difference_points"] >= row["least"],
        }
        for row in rows
        if row["least"] is not None
    }
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(
        json.dumps({"benchmark": "accuracy", "machine": machine, "rows": rows, "targets": targets})
    )


def _row(case: Case, seeds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for sweep in case.sweeps:
            seed = f"seed={','.join(map(str, range(seeds)))}"
            _program("-m", *COMMON, *sweep, seed, f"outputs={folder}")
        results = _results(Path(folder))
        bill = json.loads(_program("front", "study", "--outputs", folder, "--json"))["bill"]
    pairs = {False: dict[int, float](), True: dict[int, float]()}
    for result in results:
        accuracy = result["correct"] / result["n_validation"]
        pairs[result["config"]["compression"]["name"] == case.compressed][result["seed"]] = accuracy
    points = [100 * (pairs[True][seed] - pairs[False][seed]) for seed in sorted(pairs[True])]
    mean, interval = mean_interval(points)
    row = {
        "case": case.name,
        "seeds": seeds,
        "validation_images": results[0]["n_validation"],
        "accuracy": {"reference": pairs[False], case.compressed: pairs[True]},
        "difference_points": mean,
        "interval": list(interval),
        "least": case.least,
        "bill": bill,
    }
    print(f"{case.name}: {mean:+.2f} points [{interval[0]:+.2f}, {interval[1]:+.2f}]", flush=True)
    return row


def _program(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "energy_sweep", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _results(folder: Path) -> list[Mapping[str, Any]]:
    found = [json.loads(p.read_text()) for p in sorted(folder.glob("study/trials/*/result.json"))]
    return [result for result in found if result.get("correct") is not None]


if __name__ == "__main__":
    main()

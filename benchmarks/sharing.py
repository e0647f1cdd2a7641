"""What sharing stages saves: complete grids on digits, with recovery and without.

    python -m benchmarks.sharing [FOLDER]

Sweeps batch 32, 64, 128 by the default learning rates and epochs, with four and with seven levels
of pruning, each with the default recovery and with none; one after another, in fresh folders with
stores of their own. Prints one line of JSON: for each the joules that its trials would have spent
one by one, all in, over those that the sweep spent, all in (`energy_sweep.front.bill`), and the
same of their training stages alone, without plans, exports, evaluations and timing.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from energy_sweep.front import PricedStudy
from energy_sweep.front.bill import BillLine
from energy_sweep.record import TRAINING_STAGES, Objective
from energy_sweep.study.stored import load_study

LEVELS = {4: "0,0.25,0.5,0.75", 7: "0,0.15,0.3,0.45,0.6,0.75,0.9"}
TARGETS = {4: 3.5, 7: 5.0}


def shared(folder: Path, levels: int, *, recovers: bool) -> dict[str, Any]:
    """Run one grid, and what it spent."""
    name = f"levels-{levels}-{'recovered' if recovers else 'plain'}"
    if not (folder / name).exists():
        words = ["batch=32,64,128", f"compression.level={LEVELS[levels]}"]
        words += [] if recovers else ["compression.recover_epochs=0"]
        command = [sys.executable, "-m", "energy_sweep", "-m", *words]
        with (folder / f"{name}.log").open("w") as log:
            subprocess.run(
                [*command, f"name={name}", f"outputs={folder}"], check=True, stdout=log, stderr=log
            )
    study = load_study(folder / name)
    lines = PricedStudy(study, Objective()).bill
    all_in = _ratio(lines.values())
    training = _ratio(line for stage, line in lines.items() if stage in TRAINING_STAGES)
    return {"trials": len(study.results), **all_in, "training": training}


def _ratio(lines: Iterable[BillLine]) -> dict[str, Any]:
    lines = list(lines)
    attributed = math.fsum(line.attributed_joules for line in lines)
    spent = math.fsum(line.spent_joules for line in lines)
    return {
        "attributed_joules": round(attributed, 1),
        "spent_joules": round(spent, 1),
        "ratio": round(attributed / spent, 2),
    }


def main() -> None:
    """Run the four grids, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", help="kept, and read if it is there")
    asked = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as spare:
        folder = asked.folder or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            f"{levels} levels, {'recovery' if recovers else 'no recovery'}": shared(
                folder, levels, recovers=recovers
            )
            for levels in LEVELS
            for recovers in (True, False)
        }
    report = {
        "benchmark": "sharing",
        "grids": found,
        "targets": {f"{levels} levels, recovery": target for levels, target in TARGETS.items()},
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

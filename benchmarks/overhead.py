"""What a trial costs beside its training: trials by formula through the real sweep.

    python -m benchmarks.overhead --trials 1000

Compose, claim, launch, store, price, tell, files and progress are all in it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.formula import run_formula
from energy_sweep.app.main import main as energy_sweep

TARGET_SECONDS = 0.150  # CPU and wall, each


def main() -> None:
    """Sweep, print the cost of a trial, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        one = _sweep(1)
        row = _sweep(trials)
    print(json.dumps(_report(row, one)))


def _sweep(trials: int) -> dict[str, Any]:
    """Sweep a grid of `trials` points; the first call also pays for imports."""
    command = ["-m", "meter=replay", "search/space=none", "device.plan=contiguous"]
    command += [f"name=overhead-{trials}"]
    command += [f"lr={','.join(f'{0.001 * 1.01**i:.6g}' for i in range(-(-trials // 50)))}"]
    command += ["batch=8,16,32,64,128", "epochs=10,20", "compression.level=0,0.2,0.4,0.6,0.8"]
    if trials < 50:
        command = [*command[:5], f"lr={','.join(f'{0.001 * (i + 1):.6g}' for i in range(trials))}"]
    begun, cpu = time.perf_counter(), time.process_time()
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = energy_sweep(command, run=run_formula)
    if code:
        raise SystemExit(f"the sweep failed:\n{output.getvalue()}")
    return {
        "trials": output.getvalue().count("\ntrial ") - 1,
        "wall_seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu,
    }


def _report(row: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    targets = {}
    for kind in ("cpu_seconds", "wall_seconds"):
        value = row[kind] / row["trials"]
        print(f"{kind.replace('_', ' ')} per trial: {value:.3f}")
        targets[f"{kind} per trial"] = {
            "value": value,
            "target": TARGET_SECONDS,
            "holds": value <= TARGET_SECONDS,
        }
    return {
        "benchmark": "overhead",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "repeats": 1,
        "rows": [one, row],
        "targets": targets,
    }


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    main()

"""What starting costs: `--help` and `--cfg job` against a Hydra app that does nothing.

python -m benchmarks.startup --repeats 9
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELP_TARGET = 1.5  # times the CPU seconds of the bare app
HEAVY = ("torch", "optuna", "onnx", "onnxruntime", "plotly", "sklearn")

BARE = """
import hydra

@hydra.main(version_base="1.3", config_path=None, config_name=None)
def main(cfg):
    pass

main()
"""


def main() -> None:
    """Measure, print a table, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        rows = _measure(_commands(bare), repeats, folder)
    report = _report(rows, repeats)
    for row in rows:
        print(f"{row['command']:16} {row['cpu_seconds']:.3f} CPU-s  x{row['ratio']:.2f}")
    print(json.dumps(report))


def _commands(bare: Path) -> dict[str, list[str]]:
    ours = [sys.executable, "-m", "energy_sweep"]
    return {
        "bare --help": [sys.executable, str(bare), "--help"],
        "--help": [*ours, "--help"],
        "bare --cfg job": [sys.executable, str(bare), "--cfg", "job"],
        "--cfg job": [*ours, "--cfg", "job"],
    }


def _measure(commands: dict[str, list[str]], repeats: int, folder: str) -> list[dict[str, Any]]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        cpu_seconds(command, folder)  # fills the caches of the file system and of bytecode
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(cpu_seconds(command, folder))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return [
        {
            "command": name,
            "cpu_seconds": medians[name],
            "ratio": medians[name] / medians[name if name.startswith("bare") else f"bare {name}"],
        }
        for name in commands
    ]


def cpu_seconds(command: Sequence[str], folder: str) -> float:
    """CPU seconds, user and system, of a command run in `folder`; raises if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def heavy_modules(arguments: Sequence[str]) -> list[str]:
    """Which slow libraries `python -m energy_sweep ARGUMENTS` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "energy_sweep", *arguments]
    trace = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in trace.splitlines()}
    return [name for name in HEAVY if name in loaded]


def _report(rows: list[dict[str, Any]], repeats: int) -> dict[str, Any]:
    ratio = next(row["ratio"] for row in rows if row["command"] == "--help")
    heavy = heavy_modules(["--help"]) + heavy_modules(["--cfg", "job"])
    return {
        "benchmark": "startup",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "repeats": repeats,
        "rows": rows,
        "targets": {
            "help over bare Hydra": {
                "value": ratio,
                "target": HELP_TARGET,
                "holds": ratio <= HELP_TARGET,
            },
            "heavy imports": {"value": len(heavy), "target": 0, "holds": not heavy},
        },
    }


if __name__ == "__main__":
    main()

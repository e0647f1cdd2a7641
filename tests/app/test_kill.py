"""A sweep that is killed and typed again ends as if nothing had happened, on real training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SWEEP = [
    *("-m", "meter=replay", "name=study", "search/space=none", "model.width=4", "model.depth=2"),
    *("lr=0.05,0.1", "epochs=4,8", "compression.level=0,0.5", "batch=128"),
    "device.plan=channels_last",
]
# Moments to kill at: what must exist in the study's folder, and for how long.
MOMENTS = [("study.db", 0.5), ("trials/1", 0.3), ("trials/4", 0.0), ("trials/6", 0.2)]


def command(*words: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "energy_sweep", *words, f"outputs={folder}"]


def kill_at(path: Path, seconds: float, *, folder: Path) -> None:
    """Start the sweep, and kill it some time after `path` appears."""
    worker = subprocess.Popen(
        command(*SWEEP, folder=folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not path.exists():
        assert worker.poll() is None and time.monotonic() < deadline, path
        time.sleep(0.01)
    time.sleep(seconds)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()


def document(folder: Path) -> dict[str, Any]:
    words = ["front", "study", "--outputs", str(folder), "--json"]
    found = subprocess.run(
        [sys.executable, "-m", "energy_sweep", *words], capture_output=True, text=True, check=True
    )
    return json.loads(found.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_killed_and_resumed_gives_the_front_of_an_undisturbed_sweep(tmp_path: Path) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    subprocess.run(command(*SWEEP, folder=calm), check=True, capture_output=True)
    for path, seconds in MOMENTS:
        kill_at(killed / "study" / path, seconds, folder=killed)
    ended = subprocess.run(command(*SWEEP, folder=killed), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert document(killed) == document(calm)
    assert sorted(os.listdir(killed / "study" / "trials")) == [str(n) for n in range(8)]
    again = subprocess.run(command(*SWEEP, folder=killed), capture_output=True, text=True)
    assert "nothing new to run" in again.stdout + again.stderr and again.returncode == 0

"""A sweep that is killed and typed again ends as if nothing had happened, on real training.

One moment is enough here: test_search.py kills at others on trials made of formulas, and
`make chaos` at many.
"""

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

from energy_sweep.app.main import main
from tests.chaos.world import without_times

SWEEP = [
    *("-m", "meter=replay", "name=study", "search/space=none", "model.width=4", "model.depth=2"),
    *("epochs=3,6", "compression.level=0,0.5", "batch=128", "device=cpu"),
    "device.plan=channels_last",
]


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


def document(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["front", "study", "--outputs", str(folder), "--json"]) == 0
    return without_times(json.loads(capsys.readouterr().out))


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.slow
@pytest.mark.no_cover
def test_killed_and_resumed_gives_the_front_of_an_undisturbed_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert main([*SWEEP, f"outputs={calm}"]) == 0
    kill_at(killed / "study/trials/3", 0.2, folder=killed)
    assert main([*SWEEP, f"outputs={killed}"]) == 0
    assert document(killed, capsys) == document(calm, capsys)
    assert sorted(os.listdir(killed / "study" / "trials")) == [str(n) for n in range(4)]
    assert main([*SWEEP, f"outputs={killed}"]) == 0
    again = capsys.readouterr()
    assert "nothing new to run" in again.out + again.err

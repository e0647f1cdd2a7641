"""The wall clock is set forward and back, by days, all through a sweep, and back behind it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.app.main import main
from tests.clock_shim import MovedClock

ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "meter=estimate", "name=study", "search/space=none", "device=cpu", "batch=128"]
SWEEP += ["model.width=4", "model.depth=2", "epochs=2,4", "lr=.1,.2", "device.plan=channels_last"]
SWEEP += ["compression=none"]
DAY = 24 * 3600.0


def readings(folder: Path) -> list[dict[str, Any]]:
    paths = (folder / "outputs").glob("study/stages/*/*/record-*.json")
    records = [json.loads(path.read_text()) for path in paths]
    return [mark["reading"] for record in records for mark in record["marks"]]


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")
@pytest.mark.slow
@pytest.mark.no_cover
def test_a_sweep_under_a_clock_that_jumps_is_measured_and_priced_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, begun = MovedClock(tmp_path), time.monotonic()
    worker = subprocess.Popen(
        [sys.executable, "-m", "energy_sweep", *SWEEP],
        cwd=tmp_path,
        env={**clock.environment(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    jumps = 0
    while worker.poll() is None:
        jumps += 1
        clock.move((0, 2 * DAY, -3600, -5 * DAY)[jumps % 4])
        time.sleep(0.1)
    _, err = worker.communicate()
    wall = time.monotonic() - begun
    assert worker.returncode == 0 and "4 new" in err, err
    found = readings(tmp_path)
    assert 0 < sum(reading["seconds"] for reading in found) < wall
    for reading in found:
        assert reading["seconds"] > 0
        assert all(part["joules"] >= 0 for part in reading["domains"])
    starts = [reading["started"] for reading in found]
    assert max(starts) - min(starts) > 2 * DAY, "the windows lie on both sides of jumps"
    # All files are from the future now, as after a clock that was set back.
    for path in tmp_path.rglob("*"):
        os.utime(path, (time.time() + 3 * DAY,) * 2)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(SWEEP) == 0
    assert "nothing new to run" in capsys.readouterr().err
    assert main(["front", "study", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["front"]
    assert rows
    for row in rows:
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert numbers and all(map(math.isfinite, numbers))

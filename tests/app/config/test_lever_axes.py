"""Levers are axes: one sweep over a cap that holds the work, and one that does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from energy_sweep.app.main import main
from energy_sweep.app.sweep.session import Sessions
from energy_sweep.device import Device

TINY = ("epochs=1", "batch=128", "model.width=4", "search/space=none", "compression=none")

# The program holds little more than the smaller cap before it loads what it works with.
SWEEP = """
import sys
import psutil, torch
import energy_sweep.trial
from energy_sweep.app.main import main
cap = psutil.Process().memory_info().rss / 2**30 + 0.06
typed = ["-m", f"device.memory_gib={cap:.3f},64", "device=cpu", "device.plan=channels_last"]
sys.exit(main([*typed, "meter=replay", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory_gib is for Linux")
@pytest.mark.slow
@pytest.mark.no_cover
def test_a_cap_that_is_too_small_is_infeasible_in_a_sweep(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SWEEP, *TINY, f"outputs={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = [
        json.loads((tmp_path / f"digits-small_cnn/trials/{number}/result.json").read_text())
        for number in (0, 1)
    ]
    assert str(trials[0]["infeasible"]).startswith("needs more than device.memory_gib=")
    assert trials[1]["infeasible"] is None
    assert trials[1]["correct"] > 0
    assert trials[1]["config"]["device"]["memory_gib"] == 64


@pytest.mark.parametrize(
    "typed",
    [
        "device.power_limit_watts=200,250",
        "device.gpu_memory_gib=4",
        "device.memory_gib=0.001,64",
        "device.memory_gib=none",
        "device.wait_below=2",
        "device.plan=nchw",
        "device.plan=contiguous,channels_last+compile",
    ],
)
@pytest.mark.no_cover
def test_a_lever_that_cannot_be_moved_is_refused_before_the_first_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    words = ["-m", typed, "device=cpu", "meter=replay", *TINY, f"outputs={tmp_path}"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert typed.partition("=")[0] in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.glob("*/trials/*"))


def test_sessions_that_differ_share_what_they_measure(tmp_path: Path) -> None:
    values = {"meter": {"name": "replay"}, "stages": None, "outputs": str(tmp_path), "name": "one"}
    sessions = Sessions()
    first, levered, threaded = (
        sessions.get(values, Device(name="cpu", **dials))
        for dials in ({}, {"memory_gib": 64}, {"threads": 2})
    )
    assert first is levered
    assert first.meter is not threaded.meter
    assert first.store is threaded.store
    sessions.close()

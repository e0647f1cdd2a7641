"""An experiment that is killed and typed again ends with the verdict of an undisturbed one."""

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

OWN = """\
source: a hunch
question: Does a larger batch take fewer joules?
sizes:
  smoke:
    sweeps:
      - {name: a, words: [WORDS, "batch=64,128", "epochs=2,4"]}
      - {name: b, words: [WORDS, "batch=128", "epochs=2", "model.width=2,4"]}
claims:
  - {key: batch, says: a larger batch takes fewer joules, figure: joules, sweep: a,
     axis: batch, from: 64, to: 128, expect: lower}
  - {key: width, says: a narrower net too, figure: joules, sweep: b,
     axis: model.width, from: 4, to: 2, expect: lower}
"""
WORDS = (
    "meter=replay, search/space=none, model.width=4, model.depth=1, compression=none, device=cpu,"
    " device.plan=contiguous"
)


def verdict(own: Path, outputs: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["verdict", str(own), "--outputs", str(outputs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.contracts
@pytest.mark.no_cover
def test_killed_and_typed_again_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, calm, killed = tmp_path / "own.yaml", tmp_path / "calm", tmp_path / "killed"
    own.write_text(OWN.replace("WORDS", WORDS), encoding="utf-8")
    command = [sys.executable, "-m", "energy_sweep", "experiment", str(own), "--outputs"]
    # Of the program itself, its sweep in the middle: that one goes on, and is waited for.
    worker = subprocess.Popen([*command, str(killed)], stdout=subprocess.DEVNULL)
    begun, deadline = killed / "own-smoke-a" / "trials" / "1", time.monotonic() + 300
    while not begun.exists():
        assert worker.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert subprocess.run([*command, str(killed)], check=False).returncode == 0
    assert subprocess.run([*command, str(calm)], check=False).returncode == 0
    found = verdict(own, killed, capsys)
    assert found == verdict(own, calm, capsys)
    assert [one["trials"] for one in found["studies"].values()] == [4, 2]
    assert found["claims"][1]["answer"] == "supported"

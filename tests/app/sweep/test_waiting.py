"""Two sweeps of one study over other axes: the second is refused, or waits and goes on."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main

ROOT = Path(__file__).parents[2]
WORDS = ["meter=replay", "device=cpu", "device.plan=channels_last", "search/space=none"]
FIRST = """
import sys, time
from pathlib import Path
from benchmarks.formula import run_formula
from energy_sweep.app.main import main

def run(recipe, **rest):
    Path("begun").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    return run_formula(recipe, **rest)

sys.exit(main(sys.argv[1:], run=run))
"""


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


class _When(io.StringIO):
    """Standard error that does something once somebody says to wait."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.act = act

    def write(self, text: str) -> int:
        if "... waiting" in text:
            self.act()
        return super().write(text)


def test_two_sweeps_of_a_study_at_once_are_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed = ["-m", "name=mine", *WORDS]
    program = [sys.executable, "-c", FIRST, *typed, "batch=32,64"]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(program, env=path, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        try:
            while not Path("begun").exists():
                assert first.poll() is None, first.stderr.read()
                time.sleep(0.02)
            assert main([*typed, "batch=64,128"], run=run_formula) == 2
            refused = capsys.readouterr().err.splitlines()[-1]
            interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
            with contextlib.redirect_stderr(_When(interrupt.start)) as stopped:
                assert main([*typed, "--wait", "batch=64,128"], run=run_formula) == 130
            with contextlib.redirect_stderr(_When(Path("go").touch)) as told:
                assert main([*typed, "--wait", "batch=64,128"], run=run_formula) == 0
        finally:
            Path("go").touch()
        assert "2 new; nothing is left" in first.stderr.read()
    assert first.returncode == 0
    assert refused.startswith(
        "another sweep of mine is running, over other axes or limits: type --w"
    )
    assert stopped.getvalue().endswith("stopped: the same command goes on from here\n")
    assert "Traceback" not in stopped.getvalue()
    assert "1 measured, 1 to run" in told.getvalue()
    assert "1 new, 1 known before" in told.getvalue()


def test_a_lone_trial_has_nothing_to_wait_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wait", *WORDS], run=run_formula) == 2
    assert capsys.readouterr().err.startswith("--wait is for sweeps")

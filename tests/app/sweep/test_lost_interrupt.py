"""Ctrl-C ends a sweep, also one that fell where Python forgets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, weakref
from benchmarks.formula import run_formula
from energy_sweep.app.main import main

class Thing:
    pass

def run(recipe, **more):
    thing = Thing()
    lost = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    return run_formula(recipe, **more)

words = ["-m", "meter=replay", "search/space=none", "device.plan=contiguous", "epochs=1"]
code = main([*words, "batch=32,64,128"], run=run)
print("code", code, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.no_cover
def test_an_interrupt_that_a_callback_swallowed_ends_the_sweep_before_the_next_trial(
    tmp_path: Path,
) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", SCRIPT]
    environment = {"PATH": "", "PYTHONPATH": str(root), "HOME": str(tmp_path)}
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment
    )
    assert "Exception ignored in" in ran.stderr
    assert ran.stdout.splitlines()[-1] == "code 130 True"
    assert "the same command goes on from here" in ran.stderr
    assert len(list((tmp_path / "outputs").glob("**/result.json"))) == 1

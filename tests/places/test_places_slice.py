"""A fast slice of `make places`: a clock that jumps, and no assert that would check input."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clock_shim import MovedClock

PACKAGE = Path(__file__).parents[2] / "energy_sweep"
# A window in which the clock is put two days forward, one in which it is put back, and one opened
# while it is an hour late, around a program with a window of its own.
WINDOWS = """
import json, os, subprocess, sys, time
from pathlib import Path
from energy_sweep.meter import Work, open_meter

def window(inside):
    begun = time.monotonic()
    with meter.window(Work(stage="infer", images=1, parameters=1)) as found:
        inside()
    readings = [*(mark.reading for mark in found.marks), found.rest]
    seconds = sum(reading.seconds for reading in readings)
    joules = sum(domain.joules for reading in readings for domain in reading.domains)
    return [seconds, time.monotonic() - begun, joules]

def jump(seconds):
    before = time.time()
    Path(os.environ["CLOCK_SHIM"]).write_text(str(seconds))
    assert abs(time.time() - before) > 3000
    time.sleep(0.05)

meter = open_meter("estimate")
if len(sys.argv) > 1:
    window(lambda: None)
    sys.exit()
child = [sys.executable, __file__, "child"]
found = [window(lambda: jump(2 * 86400)), window(lambda: jump(-3600))]
print(json.dumps([*found, window(lambda: subprocess.run(child, check=True, timeout=20))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")
def test_windows_last_as_long_as_they_do_while_the_clock_jumps(tmp_path: Path) -> None:
    script = tmp_path / "windows.py"
    script.write_text(WINDOWS)
    environment = {**MovedClock(tmp_path).environment(), "TMPDIR": str(tmp_path)}
    words = [sys.executable, str(script)]
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    for seconds, longest, joules in json.loads(ran.stdout):
        assert 0.05 <= seconds <= longest and joules > 0


def test_asserts_tell_the_type_checker_what_holds_and_check_nothing() -> None:
    """`python -O` leaves them out, so all that they may say is what kind of thing something is."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                said = ast.unparse(node.test)
                assert said.endswith("is not None") or said.startswith("isinstance("), path

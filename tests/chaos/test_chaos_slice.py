"""A fast slice of `make chaos`: a few faults of every kind, and none of them is silent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SCALE = "0.008"  # of the full counts: 2 kills, 8 damages


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_no_fault_of_the_slice_gives_a_traceback_a_hang_or_another_result() -> None:
    words = ["-m", "tests.chaos", "--scale", SCALE, "--processes", "1"]
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "silent_wrong" in ran.stdout

"""The clock that tests move is the wall clock alone, in a process that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clock_shim import MovedClock

LOOKS = """
import datetime, sys, time
for _ in sys.stdin:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    print(time.time(), time.time_ns() / 1e9, now, time.monotonic(), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")
def test_the_wall_clock_is_moved_and_no_other(tmp_path: Path) -> None:
    clock = MovedClock(tmp_path)
    program = subprocess.Popen(
        [sys.executable, "-c", LOOKS],
        env=clock.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert program.stdin is not None and program.stdout is not None

    def look() -> list[float]:
        print(file=program.stdin, flush=True)
        return [float(word) for word in program.stdout.readline().split()]

    before = look()
    for seconds in (-86400.25, 3600.5, 0):
        clock.move(seconds)
        *walls, monotonic = look()
        for wall in walls:
            assert wall - before[0] == pytest.approx(seconds, abs=5)
        assert 0 <= monotonic - before[3] < 5
    program.stdin.close()
    assert program.wait(10) == 0

"""Other programs are seen, and what this process tree does itself is not held against them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from energy_sweep.meter.contention import ContentionMonitor, Moment, foreign_share
from energy_sweep.meter.process import ProcessTree, busy_seconds

BURN = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: pass\n"
# Starts a program that is nobody's child, and says its process id.
LEAVE = (
    "import subprocess, sys; null = subprocess.DEVNULL;"
    "print(subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=null, stderr=null).pid)"
)
CPUS = os.cpu_count() or 1


def clock_seconds(pid: int) -> float:
    """CPU seconds of any process."""
    return time.clock_gettime(~pid << 3 | 2)


@pytest.fixture(name="rival")
def _rival() -> Iterator[int]:
    """The process id of a busy program outside this process tree."""
    command = [sys.executable, "-c", LEAVE, BURN.format(30)]
    pid = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    yield pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the CPU clock of a stranger")
def test_a_rival_program_is_seen(rival: int) -> None:
    look = ContentionMonitor(ProcessTree()).begin()
    before, used = time.monotonic(), clock_seconds(rival)
    time.sleep(0.8)
    seen, used = look(), clock_seconds(rival) - used
    seconds = time.monotonic() - before
    assert seen.contended is True
    # Others may run beside the rival, but it is among them.
    assert seen.foreign["cpu"] >= 0.8 * used / (seconds * CPUS)
    assert seen.foreign["cpu"] <= 1.0


def test_own_work_and_that_of_children_is_not_foreign() -> None:
    tree = ProcessTree()
    look = ContentionMonitor(tree).begin()
    before, busy, own = time.monotonic(), busy_seconds(), tree.cpu_seconds()
    child = subprocess.Popen([sys.executable, "-c", BURN.format(0.7)])
    end = time.process_time() + 0.4  # of a processor, however busy the machine is
    while time.process_time() < end:
        pass
    seen = look()
    seconds, busy, own = time.monotonic() - before, busy_seconds() - busy, tree.cpu_seconds() - own
    child.wait()
    assert own > 0.2  # else there was nothing to mistake
    assert seen.foreign["cpu"] * seconds * CPUS <= max(busy - own, 0.0) + 0.1


def test_marks_too_short_to_tell_are_judged_by_the_last_look() -> None:
    look = ContentionMonitor(ProcessTree()).begin()
    first = look()
    assert (first.contended, first.foreign) == (None, {})
    assert first.resident_bytes > 2**20
    time.sleep(0.25)
    told = look()
    assert told.contended in (True, False)
    assert look().foreign is told.foreign


def test_load_on_a_board_contends_as_well() -> None:
    shares = iter([{"gpu:0": 0.0}, {"gpu:0": 0.5}, {"gpu:0": 0.0, "gpu:1": 0.051}])
    boards: list[float] = []
    look = ContentionMonitor(ProcessTree(), gpus=lambda: next(shares)).begin()
    for _ in range(3):
        time.sleep(0.21)
        seen = look()
        boards.append(max(v for k, v in seen.foreign.items() if k != "cpu"))
        if boards[-1] > 0.05:
            assert seen.contended is True
    assert boards == [0.0, 0.5, 0.051]


def moment(seconds: float, own: float, busy: float) -> Moment:
    return Moment(seconds=seconds, cpu_seconds=own, busy_seconds=busy)


@pytest.mark.parametrize(
    ("own", "busy", "cpus_busy"),
    [(0.5, 0.6, 0.1), (0.5, 0.5, 0.0), (0.6, 0.5, 0.0), (0.0, 0.8, 0.8)],
)
def test_the_foreign_share_is_of_all_processors(own: float, busy: float, cpus_busy: float) -> None:
    share = foreign_share(moment(3.0, 7.0, 90.0), moment(4.0, 7.0 + own, 90.0 + busy))
    assert share == pytest.approx(cpus_busy / CPUS)


def test_a_share_stays_between_nothing_and_all() -> None:
    assert foreign_share(moment(1.0, 0.0, 0.0), moment(1.0, 0.0, 9.0)) == 0.0
    assert foreign_share(moment(0.0, 0.0, 0.0), moment(1.0, 0.0, 99.0 * CPUS)) == 1.0

"""Only one measured window is open at a time, and a dead owner blocks nobody."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from energy_sweep.meter import lock as window_lock
from energy_sweep.meter.lock import WindowLock, cpu_packages

HOLD = """
import sys, time
from pathlib import Path
from energy_sweep.meter.lock import WindowLock
with WindowLock(["cpu-0"], folder=Path(sys.argv[1])).held():
    start = time.monotonic()
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    print(start, time.monotonic(), flush=True)
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
    )


def test_windows_of_two_processes_never_overlap(tmp_path: Path) -> None:
    processes = [holder(tmp_path, 0.2) for _ in range(3)]
    spans = sorted(tuple(map(float, process.communicate()[0].split()[1:])) for process in processes)
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end <= start


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    process = holder(tmp_path, 60.0)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = time.monotonic()
    with WindowLock(["cpu-0"], folder=tmp_path).held():
        assert time.monotonic() - before < 1.0


def test_one_thread_may_nest_but_another_waits(tmp_path: Path) -> None:
    first, second = (WindowLock(["cpu-0", "cpu-1"], folder=tmp_path) for _ in range(2))
    order: list[str] = []

    def other() -> None:
        with second.held():
            order.append("other")

    with first.held():
        with second.held(), first.held():
            pass
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(5.0)
    assert order == ["first", "other"]


def test_a_long_wait_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(window_lock, "PATIENCE_SECONDS", 0.05)
    process = holder(tmp_path, 0.3)
    assert process.stdout is not None
    process.stdout.readline()
    with WindowLock(["cpu-0"], folder=tmp_path).held():
        pass
    process.communicate()
    assert "waiting for another program" in caplog.text


def test_packages_are_those_this_process_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cpu, package in enumerate([0, 0, 1, 1]):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{package}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2}, raising=False)
    assert cpu_packages(tmp_path) == (0, 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cpu_packages(tmp_path) == (1,)
    assert cpu_packages(tmp_path / "absent") == (0,)

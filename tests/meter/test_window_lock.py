"""Only one measured window is open at a time, and a dead owner blocks nobody."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from energy_sweep.meter import MeterUnavailable
from energy_sweep.meter import lock as window_lock
from energy_sweep.meter.lock import WindowLock

HOLD = """
import sys, time
from pathlib import Path
from energy_sweep.meter.lock import WindowLock
with WindowLock(["cpu-0"], folder=Path(sys.argv[1])).hold():
    start = time.monotonic()
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    print(start, time.monotonic(), flush=True)
"""


MEASURE = """
import json, time
from energy_sweep.meter import Work, open_meter
meter = open_meter("estimate")
spans = []
for _ in range(5):
    with meter.window(Work(stage="infer", images=1, parameters=1)) as window:
        for _ in range(2):
            time.sleep(0.01)
            window.mark()
    readings = [*(mark.reading for mark in window.marks), window.rest]
    spans.append([readings[0].started, readings[-1].started + readings[-1].seconds])
print(json.dumps(spans))
"""
OVERLAP = """
import sys
from pathlib import Path
from energy_sweep.meter.lock import WindowLock
first, second, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
for _ in range(30):
    with WindowLock([first, "gpu-GPU-1", second], folder=folder).hold():
        (folder / "alone").touch(exist_ok=False)
        (folder / "alone").unlink()
"""
CHILD = """
import os, subprocess, sys, time
from pathlib import Path
from energy_sweep.meter.lock import WindowLock
folder = Path(sys.argv[1])
code = sys.argv[2]
with WindowLock(["cpu-0"], folder=folder).hold():
    inside = subprocess.run([sys.executable, "-c", code, str(folder)], timeout=60, check=True)
    late = subprocess.Popen([sys.executable, "-c", code, str(folder), "wait"])
with WindowLock(["cpu-0"], folder=folder).hold():
    (folder / "go").touch()
    time.sleep(0.3)
    assert not (folder / "late").exists()
sys.exit(late.wait(60))
"""
GRANDCHILD = """
import sys, time
from pathlib import Path
from energy_sweep.meter.lock import WindowLock
folder = Path(sys.argv[1])
if len(sys.argv) > 2:
    while not (folder / "go").exists():
        time.sleep(0.005)
with WindowLock(["cpu-0"], folder=folder).hold():
    (folder / ("late" if len(sys.argv) > 2 else "inside")).touch()
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


def test_recorded_windows_of_two_processes_never_overlap(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MEASURE], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(2)
    ]
    spans = [span for one in processes for span in json.loads(one.communicate()[0])]
    assert len(spans) == 10
    for (_, end), (start, _) in itertools.pairwise(sorted(spans)):
        assert end <= start


def test_overlapping_sets_in_any_order_do_not_wait_for_each_other_forever(tmp_path: Path) -> None:
    orders = (("cpu-0", "gpu-GPU-2"), ("gpu-GPU-2", "cpu-0"))
    processes = [
        subprocess.Popen([sys.executable, "-c", OVERLAP, *order, str(tmp_path)]) for order in orders
    ]
    assert [process.wait(60) for process in processes] == [0, 0]


def test_a_lock_is_a_file_in_its_folder_whatever_the_resource_is_called(tmp_path: Path) -> None:
    names = ["gpu-MIG-GPU-1/7/0", "gpu-MIG-GPU-1/7/1", "../cpu-0", "gpu-GPU-2"]
    with WindowLock(names, folder=tmp_path).hold():
        pass
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [
        "energy_sweep-.._cpu-0.lock",
        "energy_sweep-gpu-GPU-2.lock",
        "energy_sweep-gpu-MIG-GPU-1_7_0.lock",
        "energy_sweep-gpu-MIG-GPU-1_7_1.lock",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="links")
@pytest.mark.parametrize("kind", ["link to a file", "link to nothing", "folder"])
def test_what_others_put_at_its_place_is_named_and_not_written_to(
    tmp_path: Path, kind: str
) -> None:
    place, victim = tmp_path / "energy_sweep-cpu-0.lock", tmp_path / "victim"
    if kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(victim)
    if kind == "link to a file":
        victim.write_text("mine")
    held = WindowLock(["cpu-0"], folder=tmp_path).hold()
    with pytest.raises(MeterUnavailable, match="set TMPDIR to a folder of yours"), held:
        pass
    assert not victim.exists() or victim.read_text() == "mine"


def test_a_child_measures_within_the_window_of_its_parent_only_while_that_is_open(
    tmp_path: Path,
) -> None:
    code = [sys.executable, "-c", CHILD, str(tmp_path), GRANDCHILD]
    subprocess.run(code, check=True, timeout=120)
    assert (tmp_path / "inside").exists() and (tmp_path / "late").exists()


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    process = holder(tmp_path, 60.0)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = time.monotonic()
    (file,) = tmp_path.iterdir()
    assert file.read_text().split()[0] == str(process.pid)
    with WindowLock(["cpu-0"], folder=tmp_path).hold():
        assert time.monotonic() - before < 1.0
        assert file.read_text().split()[0] == str(os.getpid())
    assert file.read_text() == ""


def test_one_thread_may_nest_but_another_waits(tmp_path: Path) -> None:
    first, second = (WindowLock(["cpu-0", "cpu-1"], folder=tmp_path) for _ in range(2))
    order: list[str] = []

    def other() -> None:
        with second.hold():
            order.append("other")

    with first.hold():
        with second.hold(), first.hold():
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
    with WindowLock(["cpu-0"], folder=tmp_path).hold():
        pass
    process.communicate()
    assert "waiting for another program" in caplog.text
    assert f"held by process {process.pid} for " in caplog.text


@pytest.mark.parametrize("text", ["", "nobody", "999999999 1 1", "OWN 1 1", "1 2", "1 2 3 4"])
def test_a_wait_names_nobody_who_cannot_be_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    monkeypatch.setattr(window_lock, "PATIENCE_SECONDS", 0.05)
    process = holder(tmp_path, 0.3)
    assert process.stdout is not None
    process.stdout.readline()
    (file,) = tmp_path.iterdir()
    file.write_text(text.replace("OWN", str(os.getpid())))  # the number of a later process
    with WindowLock(["cpu-0"], folder=tmp_path).hold():
        pass
    process.communicate()
    assert "waiting for another program" in caplog.text
    assert "held by" not in caplog.text

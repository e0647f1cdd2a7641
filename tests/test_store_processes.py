"""Real processes in one store: a stage is done once, no mark is lost, the dead keep nobody out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import toy_stages
from toy_stages import use

from energy_sweep.meter.lock import WindowLock
from energy_sweep.record import BadInput
from energy_sweep.store import StageStore

pytestmark = pytest.mark.no_cover


def start(root: Path, *what: object) -> subprocess.Popen[str]:
    words = [sys.executable, toy_stages.__file__, str(root), json.dumps(what)]
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def fresh(root: Path) -> StageStore:
    return StageStore(root, meter_id="m")


def test_four_processes_do_each_stage_once(tmp_path: Path) -> None:
    watching = fresh(tmp_path)
    watching.refresh()
    processes = [start(tmp_path, "once", 15) for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    watching.refresh()
    assert watching.records() == fresh(tmp_path).records()
    assert len(watching.records()) == 15 and not fresh(tmp_path).damaged
    done = [path.read_text() for path in tmp_path.glob("*/*/done.log")]
    assert done == ["x"] * 15


def test_no_mark_of_another_process_is_lost(tmp_path: Path) -> None:
    processes = [start(tmp_path, "add", 12) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0] * 3
    [record] = fresh(tmp_path).records().values()
    assert len(record.marks) == 36


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_who_waits_says_so_and_goes_on_where_the_owner_is_killed(tmp_path: Path) -> None:
    owner = start(tmp_path, "epochs", 1000, 0.02)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "1\n"
    heir = start(tmp_path, "epochs", 2, 0.0)
    assert heir.stderr is not None
    line = heir.stderr.readline()
    short = use(0).key[:12]
    assert line.startswith(f"waiting for the stage trunk {short}, which process {owner.pid} is at")
    owner.send_signal(signal.SIGKILL)
    finished = len(owner.communicate()[0].splitlines()) + 1
    assert heir.communicate(timeout=60)[1] == "" and heir.returncode == 0
    [record] = fresh(tmp_path).records().values()
    assert len(record.marks) == 2  # and the bill holds what was lost, but for the last epoch's line
    assert finished - 1 <= len(record.lost) <= finished + 1


def test_nobody_waits_for_a_stage_in_a_measured_window(tmp_path: Path) -> None:
    owner = start(tmp_path, "epochs", 1000, 0.02)
    assert owner.stdout is not None and owner.stdout.readline() == "1\n"
    window = WindowLock(["cpu-0"], folder=tmp_path)
    with window.hold(), pytest.raises(BadInput, match=f"which process {owner.pid} is at"):
        toy_stages.once(fresh(tmp_path), 0)
    owner.kill()
    owner.communicate()


def test_threads_do_a_stage_once(tmp_path: Path) -> None:
    store = fresh(tmp_path)
    threads = [threading.Thread(target=toy_stages.once, args=(store, 0)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_text() for path in tmp_path.glob("*/*/done.log")] == ["x"]


def test_nothing_is_evicted_while_others_work_with_the_store(tmp_path: Path) -> None:
    store = fresh(tmp_path)
    toy_stages.once(store, 0)
    other = start(tmp_path, "hold")
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    with store.claim:
        assert store.clear() == 0
        other.communicate("\n", timeout=60)
        assert store.clear() > 0
    assert not list(tmp_path.glob("*/*/weights")) and store.get(use(0).key)


def test_a_damaged_record_is_put_aside_by_one_of_two(tmp_path: Path) -> None:
    toy_stages.once(fresh(tmp_path), 0)
    path = tmp_path / use(0).key[:2] / use(0).key / "record-m.json"
    path.write_text("{")
    first, second = fresh(tmp_path), fresh(tmp_path)
    assert not first.records() and not second.records()
    assert list(first.damaged) == list(second.damaged) == [path]
    assert len(first.put_aside()) == 1 and not second.put_aside()
    toy_stages.once(second, 0)
    first.refresh()
    assert first.records() == second.records() and len(first.records()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, timeout=10, check=False)
    if done.returncode:
        pytest.skip("nobody may mount a small disk here")
    return place


def test_a_full_disk_stops_both_that_write(small_disk: Path) -> None:
    try:
        processes = [start(small_disk, "once", 40, 9000) for _ in range(2)]
        said = [process.communicate(timeout=60)[1] for process in processes]
        assert all("No space left" in one for one in said), said
        whole = fresh(small_disk)
        assert 0 < len(whole.records()) < 40 and not whole.damaged
        assert not list(small_disk.rglob(".part-*"))
        enlarge = ["mount", "-o", "remount,size=8m", str(small_disk)]
        subprocess.run(enlarge, check=True, timeout=10)
        processes = [start(small_disk, "once", 40, 9000) for _ in range(2)]
        assert [process.wait(60) for process in processes] == [0, 0]
        whole.refresh()
        assert len(whole.records()) == 40 and whole.records() == fresh(small_disk).records()
    finally:
        subprocess.run(["umount", "--lazy", str(small_disk)], check=True, timeout=10)

"""Real trainings by two processes in one store: bit for bit those of one, each stage once."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import worker

from energy_sweep.record import StageRecord
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore

TRAINING = ("trunk", "cooldown", "compress", "recover")


def start(root: Path, *trials: str, large: bool = False) -> subprocess.Popen[str]:
    words = [sys.executable, worker.__file__, str(root), "large" if large else "small", *trials]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def trained(store: StageStore) -> dict[str, StageRecord]:
    return {key: one for key, one in store.records().items() if one.stage in TRAINING}


@pytest.mark.slow
@pytest.mark.no_cover
def test_two_workers_train_what_one_does(tmp_path: Path) -> None:
    trials = [*itertools.product((2, 3, 5), (0.0, 0.5))]
    words = [f"{epochs}:{level}" for epochs, level in trials]
    workers = [start(tmp_path / "two", *words), start(tmp_path / "two", *reversed(words))]
    one = trained(worker.run(tmp_path / "one", trials))
    said = [each.communicate(timeout=300)[1] for each in workers]
    assert [each.returncode for each in workers] == [0, 0], said
    store = StageStore(tmp_path / "two", meter_id=worker.run(tmp_path / "two", ()).meter_id)
    two = trained(store)
    assert two.keys() == one.keys() and len(one) >= 8
    for key, record in two.items():
        # Weights bit for bit, by their digests; and nothing was done a second time.
        assert record.outcome == one[key].outcome
        assert record.facts.get("hashes") == one[key].facts.get("hashes")
        assert record.units == one[key].units and not record.lost
    once = ("prepare", "export", "evaluate")
    assert all(len(r.marks) == 1 for r in store.records().values() if r.stage in once)
    assert not store.damaged


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_who_waits_takes_over_from_a_killed_process(tmp_path: Path) -> None:
    workers = [start(tmp_path, "150:0", large=True) for _ in range(2)]
    deadline, log = time.monotonic() + 120, None
    while log is None or len(MarkLog(log.parent).after(0)) < 3:
        assert time.monotonic() < deadline and all(one.poll() is None for one in workers)
        log = next(tmp_path.glob("*/*/epochs.jsonl"), None)
        time.sleep(0.01)
    pid = int((log.parent / ".lock").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    [dead] = [one for one in workers if one.pid == pid]
    [heir] = [one for one in workers if one.pid != pid]
    dead.communicate()
    said = heir.communicate(timeout=300)[1]
    assert heir.returncode == 0, said
    [trunk] = [one for one in worker.run(tmp_path, ()).records().values() if one.stage == "trunk"]
    assert len(trunk.marks) == trunk.units and len(trunk.lost) >= 3

"""The store: atomic files, one record per key and meter, eviction that never touches readings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from energy_sweep.files import write_whole
from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Quality,
    StageRecord,
    StageUse,
    digest,
)
from energy_sweep.stage import Journal, StageStore

KEY = digest("a stage")


def mark(joules: float) -> Mark:
    part = DomainEnergy(
        domain="cpu", joules=joules, uncertainty_joules=0.1, source="t", quality=Quality.ESTIMATED
    )
    return Mark(units=1, reading=EnergyReading(domains=(part,), seconds=1.0))


def record(key: str = KEY, joules: float = 1.0) -> StageRecord:
    return StageRecord(stage="trunk", key=key, cost_key="epoch", marks=(mark(joules),))


def test_a_stage_runs_once_and_survives_the_process(tmp_path: Path) -> None:
    use = StageUse(stage="trunk", key=KEY, cost_key="epoch", units=1)
    runs: list[Path] = []

    def work(folder: Path) -> StageRecord:
        runs.append(folder)
        return record()

    first = StageStore(tmp_path, meter_id="m").once(use, work)
    again = StageStore(tmp_path, meter_id="m").once(use, work)
    assert first == again and len(runs) == 1


def test_another_kind_of_meter_sees_none_of_the_readings(tmp_path: Path) -> None:
    StageStore(tmp_path, meter_id="estimate").put(record())
    assert StageStore(tmp_path, meter_id="counter").get(KEY) is None


def test_a_damaged_record_is_missing_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = StageStore(tmp_path, meter_id="m")
    store.put(record())
    (store.folder(KEY) / "record-m.json").write_text('{"stage": "tru')
    assert StageStore(tmp_path, meter_id="m").get(KEY) is None
    assert "will run again" in caplog.text


def test_eviction_removes_the_oldest_weights_and_no_reading(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    keys = [digest(number) for number in range(3)]
    for age, key in enumerate(keys):
        store.put(record(key))
        file = store.folder(key) / "epoch-00001.safetensors"
        file.write_bytes(b"x" * 100)
        import os

        os.utime(file, (age, age))
    assert store.trim(limit_bytes=250) == 100
    left = [(store.folder(key) / "epoch-00001.safetensors").exists() for key in keys]
    assert left == [False, True, True]
    assert store.clear() == 200
    assert set(StageStore(tmp_path, meter_id="m").records()) == set(keys)


def test_sizes_count_files_by_stage(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    store.put(record())
    (store.folder(KEY) / "epoch-00001.safetensors").write_bytes(b"x" * 7)
    (size,) = store.sizes()
    assert (size.stage, size.records, size.files, size.bytes) == ("trunk", 1, 1, 7)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(TypeError):
        write_whole(path, 3)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_the_journal_gives_whole_lines_beyond_the_saved_epoch(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for epoch in (1, 2, 3):
        journal.append(epoch, mark(epoch))
    with journal.path.open("a") as file:
        file.write("\n" + json.dumps({"epoch": 4})[:7])  # killed in the middle of a line
    journal.append(5, mark(5))
    assert [m.reading.joules for m in journal.after(1)] == [2, 3, 5]
    journal.clear()
    assert journal.after(0) == []

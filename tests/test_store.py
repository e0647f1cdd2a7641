"""The store: atomic files, one record per key and meter, eviction that never touches readings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Quality,
    StageRecord,
    StageUse,
    digest,
    to_json,
)
from energy_sweep.record.files import write_whole
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore

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


@pytest.mark.parametrize("content", ["", '{"stage": "tru', "[]", "{}", '"x"', "\xff"])
def test_a_damaged_record_is_missing_named_and_put_aside(tmp_path: Path, content: str) -> None:
    StageStore(tmp_path, meter_id="m").put(record())
    path = tmp_path / KEY[:2] / KEY / "record-m.json"
    path.write_bytes(content.encode("latin-1"))
    store = StageStore(tmp_path, meter_id="m")
    assert store.get(KEY) is None and list(store.damaged) == [path]
    [kept] = store.put_aside()
    assert kept.name == "damaged-record-m.json" and not store.damaged and not path.exists()
    store.put(record())
    store.clear()
    assert kept.exists() and StageStore(tmp_path, meter_id="m").get(KEY) == record()


def test_a_changed_digit_of_a_record_is_seen(tmp_path: Path) -> None:
    StageStore(tmp_path, meter_id="m").put(record())
    path = tmp_path / KEY[:2] / KEY / "record-m.json"
    text = path.read_text()
    path.write_text(text.replace('"units": 1', '"units": 2'))
    assert path.read_text() != text
    store = StageStore(tmp_path, meter_id="m")
    assert not store.records() and "does not match its seal" in store.damaged[path]


def test_a_record_of_another_stage_is_seen(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    other = KEY[::-1]
    store.put(record())
    store.put(replace(record(), key=other))
    shutil.copyfile(
        store.folder(other) / "record-m.json", path := store.folder(KEY) / "record-m.json"
    )
    again = StageStore(tmp_path, meter_id="m")
    assert list(again.records()) == [other] and list(again.damaged) == [path]


def test_a_record_of_a_former_version_is_believed(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    (store.folder(KEY) / "record-m.json").write_text(json.dumps(to_json(record())))
    assert StageStore(tmp_path, meter_id="m").get(KEY) == record()


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
    journal = MarkLog(tmp_path)
    for epoch in (1, 2, 3):
        journal.append(epoch, mark(epoch))
    with journal.path.open("a") as file:
        file.write("\n" + json.dumps({"epoch": 4})[:7])  # killed in the middle of a line
    journal.append(5, mark(5))
    assert [m.reading.joules for m in journal.after(1)] == [2, 3, 5]
    journal.clear()
    assert journal.after(0) == []

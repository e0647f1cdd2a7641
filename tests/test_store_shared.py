"""One store of several processes: each sees what others put, and none loses what another did."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.record import DomainEnergy, EnergyReading, Mark, Quality, StageRecord, digest
from energy_sweep.store import StageStore

KEYS = [digest(number) for number in range(3)]


def mark(joules: float = 1.0) -> Mark:
    part = DomainEnergy(
        domain="cpu", joules=joules, uncertainty_joules=0.1, source="t", quality=Quality.ESTIMATED
    )
    return Mark(units=1, reading=EnergyReading(domains=(part,), seconds=1.0))


def record(key: str, marks: int = 1) -> StageRecord:
    return StageRecord(stage="trunk", key=key, cost_key="c", marks=(mark(),) * marks)


PUT = st.tuples(st.just("put"), st.integers(0, 1), st.sampled_from(KEYS), st.integers(1, 3))
SEE = st.tuples(st.sampled_from(["refresh", "get"]), st.integers(0, 1), st.sampled_from(KEYS))
KILLED = st.tuples(st.just("killed"), st.integers(0, 1), st.sampled_from(KEYS))


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.one_of(PUT, SEE, KILLED), max_size=14))
def test_a_refreshed_store_is_a_fresh_one(steps: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = [StageStore(folder, meter_id="m") for _ in range(2)]
        for what, who, key, *marks in steps:
            if what == "put":
                stores[who].put(record(key, *marks))  # type: ignore[arg-type]
            elif what == "killed":  # half a line, which the next one must not be glued to
                with (Path(folder) / ".puts-m").open("a") as log:
                    log.write(key[:7])
            elif what == "refresh":
                stores[who].refresh()
            else:
                stores[who].get(key)
        fresh = StageStore(folder, meter_id="m").records()
        for store in stores:
            store.refresh()
            assert store.records() == fresh and not store.damaged


def test_what_a_kill_kept_from_the_log_is_found_by_who_asks_for_it(tmp_path: Path) -> None:
    first, second = (StageStore(tmp_path, meter_id="m") for _ in range(2))
    second.refresh()
    first.put(record(KEYS[0]))
    (tmp_path / ".puts-m").write_text("")
    second.refresh()
    assert not second.records()
    assert second.get(KEYS[0]) == record(KEYS[0])
    assert set(StageStore(tmp_path, meter_id="m").records()) == {KEYS[0]}


@pytest.mark.parametrize("kind", ["gone", "shorter", "folder"])
def test_a_log_that_is_not_what_it_was_costs_a_whole_look_at_most(
    tmp_path: Path, kind: str
) -> None:
    first, second = (StageStore(tmp_path, meter_id="m") for _ in range(2))
    first.put(record(KEYS[0]))
    second.refresh()
    first.put(record(KEYS[1]))
    log = tmp_path / ".puts-m"
    if kind == "shorter":
        log.write_text("x\n")
    else:
        log.unlink()
    if kind == "folder":
        log.mkdir()
    second.refresh()
    assert set(second.records()) == set(KEYS[:2])


def test_a_key_in_the_log_leads_nowhere_else(tmp_path: Path) -> None:
    store = StageStore(tmp_path / "s", meter_id="m")
    store.put(record(KEYS[0]))
    StageStore(tmp_path / "elsewhere", meter_id="m").put(record("up", 1))
    with (tmp_path / "s/.puts-m").open("a") as log:
        log.write("../../elsewhere/up/up other\n\nnothing\n")
    store.refresh()
    assert set(store.records()) == {KEYS[0]} and not store.damaged
    assert store.get("../../elsewhere/up/up") is None


def test_looking_for_news_is_cheap_where_there_are_none(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    store.put(record(KEYS[0]))
    store.refresh()
    start = time.perf_counter()
    for _ in range(1000):
        store.refresh()
        store.records()
    assert time.perf_counter() - start < 0.5  # half a millisecond each, were it slow


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    store, failed = StageStore(tmp_path, meter_id="m"), list[Exception]()

    def work(thread: int) -> None:
        try:
            for number in range(10):
                store.put(record(digest([thread, number])))
                store.refresh()
                assert sum(one.units for one in store.records().values()) >= number + 1
        except Exception as error:  # whatever it is, it has to be seen by the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(store.records()) == 30
    assert store.records() == StageStore(tmp_path, meter_id="m").records()


def test_records_that_were_handed_out_do_not_change(tmp_path: Path) -> None:
    store = StageStore(tmp_path, meter_id="m")
    store.put(record(KEYS[0]))
    before = store.records()
    store.put(replace(record(KEYS[1]), settings={"lr": 0.1}))
    assert set(before) == {KEYS[0]} and set(store.records()) == set(KEYS[:2])

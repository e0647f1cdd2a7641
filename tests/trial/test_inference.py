"""Inference windows are long enough for the meter, and taken again where others disturbed them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from energy_sweep.front.prices import Prices
from energy_sweep.meter.base import Window, Work, exclusive_window, meter_id
from energy_sweep.record import DomainEnergy, EnergyReading, Mark, MeterFacts, Quality, digest
from energy_sweep.record.latencies import latency_in
from energy_sweep.record.missing import control_key
from energy_sweep.record.own_files import is_sound
from energy_sweep.store import StageStore
from energy_sweep.trial.deployment.benchmark import (
    CONTENDED_REPEATS,
    Inference,
    InferenceBenchmark,
    pace_key,
)
from energy_sweep.trial.deployment.inference import POOLING_TURNS, measure_inference, measure_once
from energy_sweep.trial.deployment.latency import WARM_RUNS, measure_latency
from energy_sweep.trial.deployment.window_length import CHUNKS, is_resolved

WATTS = 50.0
CLOCK = [0.0]  # seconds, which only work moves on


class TickingMeter:
    """Reads `watts`, beside others in the windows that `disturbed` says (then none), twice that."""

    def __init__(
        self, disturbed: Iterator[bool], *, tick_seconds: float = 0.0, watts: float = WATTS
    ) -> None:
        self.disturbed, self.tick_seconds, self.watts = disturbed, tick_seconds, watts
        self.windows: list[Window] = []

    def facts(self) -> MeterFacts:
        return MeterFacts(
            sources=("ticking",),
            domains=("cpu:0",),
            quality=Quality.COUNTER,
            tick_seconds=self.tick_seconds,
        )

    def window(self, work: Work) -> AbstractContextManager[Window]:
        return exclusive_window(work, self._begin, nullcontext())

    def close(self) -> None:
        pass

    def _begin(self, _: ExitStack) -> Any:
        contended, last = next(self.disturbed, False), CLOCK[0]

        def lap(_: Work) -> EnergyReading:
            nonlocal last
            start, last = last, CLOCK[0]
            domain = DomainEnergy(
                domain="cpu:0",
                joules=(1 + contended) * self.watts * (last - start),
                uncertainty_joules=0.0,
                source="ticking",
                quality=Quality.COUNTER,
            )
            return EnergyReading(domains=(domain,), seconds=last - start, contended=contended)

        return lap


class Sleeper:
    """A runtime whose every pass over the images takes 2 ms, and of a slow graph 4 ms."""

    name, version, suffix = "sleeper", "1", ".onnx"

    def __init__(self, seconds: float = 0.002) -> None:
        self.seconds = seconds

    def graph_key(self, path: Path, threads: int) -> str:
        return path.read_text()

    def open(self, path: Path, threads: int) -> Sleeper:
        return Sleeper(0.004 if path.read_text() == "slow" else 0.002)

    def predict(self, images: np.ndarray[Any, Any], batch: int) -> None:
        CLOCK[0] += self.seconds


class Hiccup:
    """A runtime that really sleeps for 20 ms at every tenth image, beside 2 ms of the clock."""

    name, version, suffix = "hiccup", "1", ".onnx"

    def __init__(self) -> None:
        self.calls = 0  # images

    def open(self, path: Path, threads: int) -> Hiccup:
        return self

    def predict(self, images: np.ndarray[Any, Any], batch: int) -> None:
        for _ in images:
            self.calls += 1
            CLOCK[0] += 0.002
            if self.calls % 10 == 0:
                time.sleep(0.02)


def test_percentiles_of_single_images_tell_pauses_that_a_mean_hides(tmp_path: Path) -> None:
    meter = TickingMeter(iter([]))
    store = StageStore(tmp_path / "stages", meter_id=meter_id(meter.facts()))
    runtime = Hiccup()
    inference = Inference(
        runtime=runtime,
        images=np.zeros((5, 1, 8, 8), np.uint8),
        batch=1,
        threads=1,
        work=Work(stage="infer", images=5, parameters=10),
    )
    stand = InferenceBenchmark("key", inference, store, meter)
    store.put(replace(stand.record, marks=stand.window(tmp_path / "model.onnx")))
    opened = runtime.calls
    key = measure_latency(stand, lambda: tmp_path / "model.onnx")
    record = store.records()[key]
    found = latency_in(record.facts)
    # 2 ms an image by its windows: a quarter of a second has room for 125.
    assert found is not None and found.runs == 125
    assert runtime.calls - opened == found.runs + WARM_RUNS
    assert found.p50_seconds < 0.01 and found.p95_seconds >= 0.02
    assert record.spent_joules == pytest.approx(WATTS * 0.002 * found.runs)
    again = runtime.calls
    assert measure_latency(stand, lambda: tmp_path / "model.onnx") == key
    assert runtime.calls == again


def measured(
    tmp_path: Path,
    meter: TickingMeter,
    weights: str = "first",
    graph: str = "graph",
    key: str = "key",
) -> StageStore:
    """The store after these weights of a graph were measured too."""
    path = tmp_path / "model.onnx"
    path.write_text(graph)
    store = StageStore(tmp_path / "stages", meter_id=meter_id(meter.facts()))
    inference = Inference(
        runtime=Sleeper(),
        images=np.zeros((64, 1, 8, 8), np.uint8),
        batch=64,
        threads=1,
        work=Work(stage="infer", images=64, parameters=10),
    )
    measure_inference(
        lambda: path, key, weights=weights, inference=inference, store=store, meter=meter
    )
    return store


def joules_per_image(store: StageStore) -> float:
    pool = Prices(store.records().values()).pool("key")
    assert pool is not None
    return pool.joules_per_unit


def test_a_disturbed_window_is_taken_again_and_left_out(tmp_path: Path) -> None:
    store = measured(tmp_path, TickingMeter(iter([False, False, True, False])))
    record = store.records()["key"]
    dirty = [mark for mark in record.marks if mark.reading.contended]
    clean = [mark for mark in record.marks if not mark.reading.contended]
    assert CHUNKS[0] <= len(dirty) <= CHUNKS[1]
    assert len(clean) >= 3 * CHUNKS[0]
    joules = sum(mark.reading.joules for mark in clean) / sum(mark.units for mark in clean)
    assert joules_per_image(store) == pytest.approx(joules)
    assert record.spent_joules > sum(mark.reading.joules for mark in clean)


def test_windows_that_are_always_disturbed_are_not_taken_for_ever(tmp_path: Path) -> None:
    store = measured(tmp_path, TickingMeter(iter([True] * 1000)))
    marks = store.records()["key"].marks
    assert all(mark.reading.contended for mark in marks)
    assert len(marks) <= (3 + CONTENDED_REPEATS) * CHUNKS[1]
    assert joules_per_image(store) > 0


def test_weights_that_cost_nothing_that_is_read_are_pooled(tmp_path: Path) -> None:
    idle = TickingMeter(iter([]), watts=0.0)
    for weights, graph in (("first", "graph"), ("second", "slow")):
        store = measured(tmp_path, idle, weights, graph)
    assert joules_per_image(store) == 0
    assert store.records()["key"].facts["apart"] == []


def test_marks_are_many_ticks_of_the_meter_long(tmp_path: Path) -> None:
    marks = measured(tmp_path, TickingMeter(iter([]), tick_seconds=0.01)).records()["key"].marks
    # Fewer passes than planned for, where the pace was found in a slow moment.
    assert min(mark.reading.seconds for mark in marks) > 0.03


def test_a_lost_comparison_of_weights_is_not_made_again_but_a_window_is_taken(
    tmp_path: Path,
) -> None:
    calm = TickingMeter(iter([]))
    for weights in ("first", "second"):
        store = measured(tmp_path, calm, weights)
    before = store.records()["key"]
    controls = [control_key("key", labels) for labels in before.facts["controls"]]
    assert len(controls) == 2 and all(key in store.records() for key in controls)
    [lost] = store.folder(controls[0]).glob("record-*.json")
    lost.unlink()
    again = measured(tmp_path, calm, "first")
    after = again.records()["key"]
    assert after.facts == {**before.facts, "controls": before.facts["controls"][1:]}
    assert len(after.marks) >= len(before.marks) + CHUNKS[0] and not lost.exists()
    assert len(measured(tmp_path, calm, "first").records()["key"].marks) == len(after.marks)


def test_a_lost_record_of_passes_is_made_anew(tmp_path: Path) -> None:
    calm, key = TickingMeter(iter([])), pace_key("key")
    [lost] = measured(tmp_path, calm).folder(key).glob("record-*.json")
    lost.unlink()
    marks = measured(tmp_path, calm).records()["key"].marks
    assert lost.exists()
    assert measured(tmp_path, calm).records()["key"].marks == marks


def test_a_lost_price_of_weights_that_are_not_pooled_is_measured_anew(tmp_path: Path) -> None:
    calm, apart = TickingMeter(iter([])), digest(["key", "second"])
    measured(tmp_path, calm)
    store = measured(tmp_path, calm, "second", "slow")
    facts = store.records()["key"].facts
    assert facts["apart"] == ["second"] and len(facts["controls"]) == 2 * POOLING_TURNS
    [lost] = store.folder(apart).glob("record-*.json")
    lost.unlink()
    anew = measured(tmp_path, calm, "second", "slow").records()
    assert len(anew[apart].marks) >= CHUNKS[0]
    assert anew["key"] == store.records()["key"]


@pytest.mark.parametrize(("graph", "apart"), [("graph", []), ("slow", ["second"])])
def test_without_the_first_graph_others_are_compared_with_its_windows(
    tmp_path: Path, graph: str, apart: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    calm = TickingMeter(iter([]))
    for lost in measured(tmp_path, calm).folder("key").glob("model.onnx*"):
        lost.unlink()
    record = measured(tmp_path, calm, "second", graph).records()["key"]
    assert record.facts["apart"] == apart
    assert "model.onnx is gone or damaged" in caplog.text
    assert bool(apart) != is_sound(tmp_path / "stages" / "ke" / "key" / "model.onnx")


def marks_of(joules: list[float], *, edge: float = 0.0) -> list[Mark]:
    """Marks of 64 images of so many joules each, one after the other."""
    return [
        Mark(
            units=64,
            reading=EnergyReading(
                domains=(
                    DomainEnergy(
                        domain="cpu:0",
                        joules=one,
                        uncertainty_joules=edge,
                        edge_joules=edge,
                        source="ticking",
                        quality=Quality.COUNTER,
                    ),
                ),
                seconds=1.0,
                started=float(index),
            ),
        )
        for index, one in enumerate(joules)
    ]


@pytest.mark.parametrize(
    ("joules", "edge", "marks"),
    [
        ([1.0, 1.0, 1.0, 1.0], 0.0, 2),  # alike
        ([1.0, 1.2, 1.0, 1.2], 0.0, 3),  # as noisy as they are, more would tell little
        ([1.0] * 6, 0.06, 3),  # until the meter has resolved them
        ([1.0] * 8, 1.0, 6),  # which it never would
    ],
)
def test_a_window_is_as_long_as_its_mean_is_worth(
    joules: list[float], edge: float, marks: int
) -> None:
    made = marks_of(joules, edge=edge)
    assert next(count for count in range(9) if is_resolved(made[:count])) == marks


@pytest.mark.parametrize(("edge", "marks"), [(0.0, 1), (0.06, 3), (1.0, 6)])
def test_a_brief_window_is_as_long_as_the_meter_needs(edge: float, marks: int) -> None:
    made = marks_of([1.0, 1.2] * 4, edge=edge)
    assert next(count for count in range(9) if is_resolved(made[:count], brief=True)) == marks


def test_beside_another_graph_the_first_has_a_brief_window(tmp_path: Path) -> None:
    # The first window of the second graph is its pace's, and all are beside other programs.
    busy = TickingMeter(iter([True] * 100))
    measured(tmp_path, busy)
    store = measured(tmp_path, busy, "w", key="other")
    record = store.records()[control_key("other", ["reference", "w"])]
    assert (record.cost_key, len(record.marks)) == ("key", 1)


def emptied(root: Path, pattern: str) -> None:
    """Empty the files of a store that are named so."""
    found = [path for path in root.glob(pattern) if path.is_file()]
    assert found
    for path in found:
        path.write_bytes(b"")


def test_a_damaged_reference_stays_the_reference(tmp_path: Path) -> None:
    calm, root = TickingMeter(iter([])), tmp_path / "stages"
    measured(tmp_path, calm)
    emptied(root, "reference-*/**/*")
    records = measured(tmp_path, calm, "w", key="other").records()
    assert records[control_key("other", ["reference", "w"])].cost_key == "key"
    assert is_sound(next(root.glob("reference-*/*/model.onnx")))


def test_where_no_copy_of_the_reference_is_left_the_next_graph_takes_its_place(
    tmp_path: Path,
) -> None:
    calm, root = TickingMeter(iter([])), tmp_path / "stages"
    measured(tmp_path, calm)
    emptied(root, "reference-*/**/*")
    emptied(root, "*/key/*.sha256")
    records = measured(tmp_path, calm, "w", key="other").records()
    assert control_key("other", ["reference", "w"]) not in records
    records = measured(tmp_path, calm, "w", key="third").records()
    assert records[control_key("third", ["reference", "w"])].cost_key == "other"


def test_weights_are_compared_until_one_turn_finds_them_alike(tmp_path: Path) -> None:
    calm = TickingMeter(iter([]))
    for weights in ("first", "second"):
        store = measured(tmp_path, calm, weights)
    labels = store.records()["key"].facts["controls"]
    assert labels == [["first", "second", "0"], ["second", "second", "0"]]


class Slow(Sleeper):
    """A runtime that takes so many seconds an image."""

    def open(self, path: Path, threads: int) -> Slow:
        return Slow(self.seconds)

    def predict(self, images: np.ndarray[Any, Any], batch: int) -> None:
        CLOCK[0] += self.seconds * len(images)


@pytest.mark.parametrize(
    ("seconds", "batch", "images"),
    [
        (1.0, 64, 64),  # a batch at least, and not all of them
        (1.0, 1, 1),
        (1e-3, 8, 16),  # a 100th of a second
        (1e-4, 64, 128),
        (1e-5, 64, 1000),  # all images
        (4e-6, 64, 3000),  # over and over
    ],
)
def test_a_mark_takes_no_more_images_than_it_needs(
    tmp_path: Path, seconds: float, batch: int, images: int
) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("graph")
    meter = TickingMeter(iter([]))
    inference = Inference(
        runtime=Slow(seconds),
        images=np.zeros((1000, 1, 8, 8), np.uint8),
        batch=batch,
        threads=1,
        work=Work(stage="infer", images=1000, parameters=10),
    )
    store = StageStore(tmp_path / "stages", meter_id=meter_id(meter.facts()))
    measure_once(lambda: path, "key", inference=inference, store=store, meter=meter)
    marks = store.records()["key"].marks
    assert [mark.units for mark in marks] == [images] * CHUNKS[0]
    assert sum(mark.reading.joules for mark in marks) == pytest.approx(
        WATTS * seconds * images * CHUNKS[0]
    )


def test_marks_of_a_former_version_stay_as_long_as_they_were(tmp_path: Path) -> None:
    calm, key = TickingMeter(iter([])), pace_key("key")
    store = measured(tmp_path, calm)
    record = store.records()[key]
    store.put(replace(record, facts={"passes": 7}))
    again = measured(tmp_path, calm, "second")
    control = again.records()[control_key("key", ["second", "second", "0"])]
    assert {mark.units for mark in control.marks} == {7 * 64}

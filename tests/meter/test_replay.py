"""Replayed joules are a function of the work alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.meter import Meter, Work, meter_id, open_meter
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.record import BadInput, to_json

WORK = Work(stage="trunk", images=200, parameters=3_000)


def total(meter: Meter, work: Work, cuts: list[int]) -> float:
    with meter.window(work) as window:
        for images in cuts:
            window.mark(images=images)
    return sum(mark.reading.joules for mark in window.marks)


def test_the_default_is_images_times_parameters() -> None:
    with ReplayMeter().window(WORK) as window:
        pass
    (mark,) = window.marks
    assert mark.reading.joules == pytest.approx(200 * 3_000 * 1e-8)
    assert mark.reading.seconds == mark.reading.joules
    assert mark.reading.peak_memory_bytes is None
    assert mark.reading.uncertainty_joules == 0.0
    assert window.rest is not None and window.rest.joules == 0.0


def test_two_runs_of_equal_work_are_equal_to_the_last_digit() -> None:
    runs = []
    for _ in range(2):
        meter = ReplayMeter()
        with meter.window(WORK) as window:
            window.mark(3, images=77)
            window.mark()
        runs.append(json.dumps([to_json(meter.facts()), to_json(window.marks)]))
    assert runs[0] == runs[1]


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=8),
    st.integers(1, 10**8),
)
def test_joules_add_up_however_work_is_cut(cuts: list[int], parameters: int) -> None:
    work = replace(WORK, parameters=parameters)
    whole = total(ReplayMeter(), work, [sum(cuts)])
    assert total(ReplayMeter(), work, cuts) == pytest.approx(whole, rel=1e-12, abs=1e-12)


def test_a_trace_gives_joules_per_image_of_each_stage(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text('{"trunk": 0.25, "infer": 2}')
    meter = open_meter({"name": "replay", "trace": str(path)})
    assert total(meter, WORK, [4]) == 1.0
    assert total(meter, replace(WORK, stage="infer"), [3]) == 6.0
    with pytest.raises(BadInput, match="no stage export"):
        total(meter, replace(WORK, stage="export"), [1])


@pytest.mark.parametrize("text", ["not json", "[1, 2]", '{"trunk": -1}', '{"trunk": "x"}', None])
def test_a_bad_trace_is_refused_in_one_line(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "trace.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput) as error:
        ReplayMeter(trace=path)
    assert "\n" not in str(error.value)


def test_other_tables_are_other_meters() -> None:
    meters = [
        ReplayMeter(),
        ReplayMeter(joules_per_image=1.0),
        ReplayMeter(joules_per_image=2.0),
        ReplayMeter(trace={"trunk": 1.0}),
        ReplayMeter(trace={"trunk": 2.0}),
    ]
    assert len({meter_id(meter.facts()) for meter in meters}) == len(meters)


@pytest.mark.parametrize("value", [-1.0, float("nan"), True])
def test_joules_per_image_are_checked(value: float) -> None:
    with pytest.raises(BadInput, match="at least 0"):
        ReplayMeter(joules_per_image=value)

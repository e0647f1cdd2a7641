"""What every meter promises, whatever its joules come from."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter.fake_nvml import ENERGY, NOT_SUPPORTED, UUIDS, FakeBoard, FakeNvml, grace_hopper
from meter.fake_powercap import machine

from energy_sweep.meter import Meter, Work, meter_id, open_meter
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.record import (
    EnergyReading,
    Mark,
    MeterFacts,
    Quality,
    from_json,
    to_json,
)

UNCHECKED = {"self_check": False}
MODULE = "GPU-0123"
# Each is opened beside made-up boards and a powercap tree: one board has no energy counter, one is
# a module with a processor.
METERS: dict[str, Callable[[Path], Meter]] = {
    "auto": lambda _: open_meter("auto"),
    "auto_counters": lambda tree: open_meter(
        {"name": "auto", "gpus": "visible", "powercap": tree, **UNCHECKED}
    ),
    "nvml": lambda _: open_meter({"name": "nvml", "gpus": [UUIDS[0]], **UNCHECKED}),
    "nvml_power": lambda _: open_meter({"name": "nvml", "gpus": [UUIDS[2]], **UNCHECKED}),
    "nvml_module": lambda _: open_meter({"name": "nvml", "gpus": [MODULE], **UNCHECKED}),
    "nvml_both": lambda _: open_meter({"name": "nvml", "gpus": "visible", **UNCHECKED}),
    "rapl": lambda tree: open_meter({"name": "rapl", "powercap": tree, **UNCHECKED}),
    "estimate": lambda _: open_meter({"name": "estimate", "cpu_watts_per_core": 5.0}),
    "replay": lambda _: open_meter("replay"),
    "replay_flat": lambda _: open_meter({"name": "replay", "joules_per_image": 0.5}),
    "replay_trace": lambda _: open_meter({"name": "replay", "trace": {"trunk": 0.25}}),
    "replay_formula": lambda _: ReplayMeter(formula=lambda work: 2.0 * work.images),
}
WORK = Work(stage="trunk", images=100, parameters=1000, label="epochs")


@pytest.fixture(scope="module", name="tree")
def _tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hardware")
    boards = (
        FakeBoard(tick=0.02),
        FakeBoard(uuid=UUIDS[2], pci=2, errors={ENERGY: NOT_SUPPORTED}),
        grace_hopper(uuid=MODULE, pci=3, tick=0.02),
    )
    with FakeNvml(folder, *boards).preloaded(), machine(folder / "powercap"):
        yield folder / "powercap"


@pytest.fixture(params=METERS, name="make")
def _make(request: pytest.FixtureRequest, tree: Path) -> Callable[[], Meter]:
    return lambda: METERS[request.param](tree)


@pytest.fixture(name="meter")
def _meter(make: Callable[[], Meter]) -> Iterator[Meter]:
    meter = make()
    yield meter
    meter.close()


def burn(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        pass


def check(reading: EnergyReading, facts: MeterFacts) -> None:
    assert tuple(part.domain for part in reading.domains) == facts.domains
    assert {part.source for part in reading.domains} == set(facts.sources)
    assert reading.quality == facts.quality
    assert reading.seconds >= 0
    for part in reading.domains:
        assert part.joules >= 0 and math.isfinite(part.joules)
        assert part.uncertainty_joules >= part.edge_joules >= 0
        assert math.isfinite(part.uncertainty_joules)


def test_facts_are_whole_and_survive_json(meter: Meter) -> None:
    facts = meter.facts()
    assert facts.sources and facts.domains
    assert facts.quality in Quality
    low, high = facts.scale_band
    assert 0 < low <= 1 <= high
    bands = [facts.scale_band_of(source) for source in facts.sources]
    assert facts.scale_band == (min(low for low, _ in bands), max(high for _, high in bands))
    assert all(0 < low <= 1 <= high for low, high in bands)
    assert 0 <= facts.repeatability < 1
    assert 0 <= facts.tick_seconds < 10
    assert facts.idle_watts.keys() <= set(facts.domains)
    assert from_json(MeterFacts, json.loads(json.dumps(to_json(facts)))) == facts


def test_equal_meters_have_equal_identities(make: Callable[[], Meter]) -> None:
    assert meter_id(make().facts()) == meter_id(make().facts())


def test_a_window_without_marks_is_one_mark_of_one_unit(meter: Meter) -> None:
    with meter.window(WORK) as window:
        burn(0.01)
    (mark,) = window.marks
    assert mark.units == 1.0
    assert mark.reading.joules > 0
    check(mark.reading, meter.facts())


def test_marks_are_disjoint_and_leave_no_gap(meter: Meter) -> None:
    outer_start = time.monotonic()
    with meter.window(WORK) as window:
        marks = []
        for units in (1, 2, 0.5):
            burn(0.01)
            marks.append(window.mark(units, images=10))
        burn(0.01)
    outer = time.monotonic() - outer_start
    assert window.marks == tuple(marks)
    assert [mark.units for mark in marks] == [1.0, 2.0, 0.5]
    assert window.rest is not None
    readings = [*(mark.reading for mark in marks), window.rest]
    for reading in readings:
        check(reading, meter.facts())
    if not meter.facts().sources[0].startswith("replay"):
        for before, after in itertools.pairwise(readings):
            assert before.started is not None and after.started is not None
            assert before.started + before.seconds == pytest.approx(after.started, abs=1e-5)
        seconds = math.fsum(reading.seconds for reading in readings)
        assert 0.04 <= seconds <= outer
    if "estimate" in meter.facts().sources:
        assert math.fsum(r.terms["cpu_seconds"] for r in readings) >= 0.04


def test_readings_survive_json(meter: Meter) -> None:
    with meter.window(WORK) as window:
        mark = window.mark()
    assert from_json(Mark, json.loads(json.dumps(to_json(mark)))) == mark


def test_an_exception_keeps_the_marks_and_frees_the_meter(meter: Meter) -> None:
    with pytest.raises(ZeroDivisionError), meter.window(WORK) as window:
        window.mark()
        raise ZeroDivisionError
    assert len(window.marks) == 1
    assert window.rest is not None
    with meter.window(WORK) as again:
        pass
    assert len(again.marks) == 1


def test_a_closed_window_takes_no_marks(meter: Meter) -> None:
    with meter.window(WORK) as window:
        window.mark()
    with pytest.raises(RuntimeError, match="closed"):
        window.mark()


@pytest.mark.parametrize("units", [0, -1, math.nan])
def test_a_mark_is_of_some_work(meter: Meter, units: float) -> None:
    with meter.window(WORK) as window, pytest.raises(ValueError, match="more than 0"):
        window.mark(units)


def test_windows_nest_in_one_process(make: Callable[[], Meter]) -> None:
    first, second = make(), make()
    with first.window(WORK) as outer, first.window(WORK) as inner, second.window(WORK) as other:
        burn(0.005)
    assert len(outer.marks) == len(inner.marks) == len(other.marks) == 1


def test_closing_twice_is_harmless(meter: Meter) -> None:
    meter.close()
    meter.close()

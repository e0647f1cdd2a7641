"""GPUs read through the real pynvml, on a compiled fake of its library."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meter.fake_nvml import (
    ENERGY,
    LOST,
    NO_FUNCTION,
    NO_PERMISSION,
    NOT_LOADED,
    NOT_SUPPORTED,
    POWER,
    UUIDS,
    FakeBoard,
    FakeNvml,
)

from energy_sweep.hardware.gpu import all_boards
from energy_sweep.meter import MeterUnavailable, ReadingLost, Work, open_meter
from energy_sweep.meter.nvml import NvmlSource, boards_to_read, probe
from energy_sweep.meter.nvml.gpu import Reader, open_readers
from energy_sweep.meter.nvml.power import Gauge
from energy_sweep.meter.process import ProcessTree
from energy_sweep.record import BadInput, DomainEnergy, Quality

A, B, C = UUIDS
ME = os.getpid()
WORK = Work(stage="trunk", images=1, parameters=1)
NO_COUNTER = {ENERGY: NOT_SUPPORTED}


@pytest.fixture(name="nvml")
def _nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with FakeNvml(tmp_path).preloaded() as nvml:
        yield nvml


def source(*, self_check: bool = False) -> NvmlSource:
    return NvmlSource(all_boards(), tree=ProcessTree(), self_check=self_check)


def only(domains: tuple[DomainEnergy, ...]) -> DomainEnergy:
    (energy,) = domains
    return energy


# Readings


def test_a_reading_is_what_the_counter_gained(nvml: FakeNvml) -> None:
    # Asked when it is opened; then at the edge, which takes the first tick it sees.
    nvml.change(counts=(7_000, 7_000, 7_100, 7_100 + 23_456))
    found = source()
    with found.begin() as read:
        energy = only(read().domains)
    assert energy.joules == pytest.approx(23.456, abs=1e-9)
    assert (energy.domain, energy.source) == ("gpu:0", "nvml")
    assert energy.quality == Quality.COUNTER
    assert found.facts().quality == Quality.COUNTER


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(gains=st.lists(st.integers(1, 100_000), min_size=1, max_size=8))
def test_marks_add_up_to_the_counter(nvml: FakeNvml, gains: list[int]) -> None:
    counts = [5, 5, 6]
    for gain in gains:
        counts.append(counts[-1] + gain)
    nvml.change(counts=tuple(counts))
    with source().begin() as read:
        joules = [only(read().domains).joules for _ in gains]
    assert joules == pytest.approx([gain / 1000 for gain in gains], abs=1e-9)


@dataclass
class Watched:
    """One window over work at 300 W on a board that idles at 60 W, and what it really drew."""

    energy: DomainEnergy
    drawn: float

    @property
    def error(self) -> float:
        return self.energy.joules - self.drawn


def watch(nvml: FakeNvml, found: NvmlSource, seconds: float) -> Watched:
    with found.begin() as read:
        opened = time.monotonic()
        nvml.draw(300.0)
        time.sleep(seconds)
        nvml.draw(60.0)
        closing = time.monotonic()
        energy = only(read().domains)
    return Watched(energy, nvml.boards[0].joules(opened, closing))


def test_an_aligned_window_is_off_by_far_less_than_a_tick_of_work(nvml: FakeNvml) -> None:
    found = source()
    seen = watch(nvml, found, 1.07)
    # A tick of work is 30 J. What is too much is drawn while an edge waits, at idle.
    assert -1 <= seen.error <= 20
    assert abs(seen.error) <= seen.energy.uncertainty_joules


def test_a_short_window_is_off_by_no_more_than_it_says(nvml: FakeNvml) -> None:
    found = source()
    for seconds in (0.13, 0.26, 0.37):
        seen = watch(nvml, found, seconds)
        assert abs(seen.error) <= seen.energy.uncertainty_joules
        assert seen.energy.edge_joules > 0


def test_power_is_sampled_where_there_is_no_counter(nvml: FakeNvml) -> None:
    nvml.change(errors=NO_COUNTER)
    found = source()
    assert (found.facts().sources, found.facts().quality) == (("nvml-power",), Quality.INTEGRATED)
    gpu = found.facts().details["gpus"]["gpu:0"]
    assert "has no energy counter" in gpu["why"]
    assert gpu["power"] == "of the moment"
    seen = watch(nvml, found, 0.8)
    assert (seen.energy.source, seen.energy.quality) == ("nvml-power", Quality.INTEGRATED)
    assert abs(seen.error) <= seen.energy.uncertainty_joules
    low, high = found.facts().scale_band
    assert low < 0.885 and high > 1.087


def test_a_mean_over_a_second_is_told_and_is_less_certain(nvml: FakeNvml) -> None:
    nvml.change(errors=NO_COUNTER, instant=False, architecture=8, device=0x2684, average=1.0)
    found = source()
    assert found.facts().details["gpus"]["gpu:0"]["power"] == "a mean over 1 s"
    assert found.facts().tick_seconds == 1.0
    seen = watch(nvml, found, 0.8)
    assert abs(seen.error) <= seen.energy.uncertainty_joules
    assert seen.energy.edge_joules > 100


def test_boards_of_both_kinds_make_one_reading(tmp_path: Path) -> None:
    boards = [FakeBoard(uuid=A, errors=NO_COUNTER), FakeBoard(uuid=B, pci=2, tick=0.02)]
    with FakeNvml(tmp_path, *boards).preloaded():
        found = source()
        assert found.uuids == (A, B)
        with found.begin() as read:
            time.sleep(0.2)
            sampled, counted = read().domains
        facts = found.facts()
    assert (sampled.domain, sampled.source) == ("gpu:0", "nvml-power")
    assert (counted.domain, counted.source) == ("gpu:1", "nvml")
    assert sampled.joules > 0 and counted.joules > 0
    assert facts.domains == ("gpu:0", "gpu:1")
    assert set(facts.sources) == {"nvml", "nvml-power"}
    assert facts.quality == Quality.INTEGRATED


# What goes wrong


@pytest.mark.parametrize(
    ("code", "says"), [(LOST, "was lost: GPU is lost"), (NO_PERMISSION, "is for root only")]
)
@pytest.mark.parametrize("kind", ["counter", "power"])
def test_a_board_that_goes_away_in_mid_window_loses_the_reading(
    nvml: FakeNvml, kind: str, code: int, says: str
) -> None:
    nvml.change(instant=False, errors=NO_COUNTER if kind == "power" else {})
    with source().begin() as read:
        read()
        nvml.fail(POWER if kind == "power" else ENERGY, code, 0)
        with pytest.raises(ReadingLost, match=f"{A}.*{says}"):
            read()


def test_a_counter_that_begins_again_loses_the_reading(nvml: FakeNvml) -> None:
    with source().begin() as read:
        nvml.change(reset=time.monotonic())
        with pytest.raises(ReadingLost, match=f"energy counter of {A}.*went backwards"):
            read()


def test_a_counter_that_stops_loses_the_reading(nvml: FakeNvml) -> None:
    with source().begin() as read:
        nvml.change(frozen=time.monotonic())
        time.sleep(0.1)
        with pytest.raises(ReadingLost, match=f"energy counter of {A}.*st(ood|ands) still"):
            for _ in range(3):
                read()


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ({ENERGY: NO_PERMISSION}, "energy counter of .* is for root only"),
        ({ENERGY: LOST}, "was lost"),
        ({ENERGY: NOT_SUPPORTED, POWER: NOT_SUPPORTED}, "no power reading.*type device=cpu"),
        ({ENERGY: NO_FUNCTION, POWER: NO_FUNCTION}, "no power reading.*type device=cpu"),
        ({ENERGY: NOT_SUPPORTED, POWER: LOST}, "was lost"),
    ],
)
def test_a_board_that_cannot_be_read_is_refused_with_the_reason(
    nvml: FakeNvml, errors: dict[str, int], says: str
) -> None:
    nvml.change(instant=False, errors=errors)
    with pytest.raises(MeterUnavailable, match=says) as refused:
        source()
    assert A in str(refused.value)


def test_an_old_driver_without_the_counter_is_read_by_power(tmp_path: Path) -> None:
    nvml = FakeNvml(tmp_path)
    told = python(nvml, READ, "ENERGY", "FIELDS", "SHARES", "MIG", "PROCESSES_V3")
    assert told["sources"] == ["nvml-power"]
    assert told["joules"] > 0


# The self-check


@dataclass
class Checked:
    """Boards, and what their self-check found and said."""

    nvml: FakeNvml
    readers: list[Reader | MeterUnavailable]
    warnings: list[str]

    def reader(self, index: int) -> Reader:
        found = self.readers[index]
        assert isinstance(found, Reader)
        return found


@pytest.fixture(scope="module", name="once")
def _once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """Every kind of board, checked at the same time."""
    folder, now = tmp_path_factory.mktemp("checked"), time.monotonic()
    boards = [
        FakeBoard(uuid=A, tick=0.05, processes=(1,)),
        FakeBoard(uuid=B, scale=1.5, watts=((0.0, 80.0),)),
        FakeBoard(uuid=C, frozen=now),
        FakeBoard(uuid="GPU-mute", frozen=now, instant=False, errors={POWER: NOT_SUPPORTED}),
        FakeBoard(uuid="GPU-busy", processes=(1,), shares={1: 60}),
        FakeBoard(uuid="GPU-old", errors=NO_COUNTER, watts=((0.0, 70.0),)),
        # The first board again, as it is while no process holds a context there.
        FakeBoard(uuid=A, tick=0.05, watts=((0.0, 40.0),)),
    ]
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())
    logger = logging.getLogger("energy_sweep.meter.nvml.gpu")
    logger.addHandler(handler)
    with pytest.MonkeyPatch.context() as patch, FakeNvml(folder, *boards).preloaded() as nvml:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        readers = open_readers(all_boards(), check=True)
    logger.removeHandler(handler)
    yield Checked(nvml, readers, warnings)


@pytest.fixture(name="checked")
def _checked(once: Checked, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checked]:
    monkeypatch.setenv("XDG_CACHE_HOME", once.nvml.environment()["XDG_CACHE_HOME"])
    before = list(once.nvml.boards)
    with once.nvml.preloaded():
        yield once
    once.nvml.put(*before)


def test_a_check_measures_ticks_and_idle_watts(checked: Checked) -> None:
    first, second = checked.reader(0).check, checked.reader(1).check
    assert first is not None and second is not None
    assert first.tick_seconds == pytest.approx(0.05, rel=0.4)
    assert second.tick_seconds == pytest.approx(0.1, rel=0.4)
    assert first.counter_over_power == pytest.approx(1.0, rel=0.1)
    # A process holds a CUDA context on the first board only.
    assert first.idle_with_context_watts == pytest.approx(60.0, rel=0.1)
    assert second.idle_watts == pytest.approx(120.0, rel=0.1)
    assert second.idle_with_context_watts is None
    assert checked.reader(5).idle_watts == pytest.approx(70.0)


def test_a_counter_that_differs_from_its_power_is_warned_of(checked: Checked) -> None:
    ratio = checked.reader(1).details()["counter_over_power"]
    assert ratio == pytest.approx(1.5, rel=0.1)
    (warning,) = [text for text in checked.warnings if B in text]
    assert f"tells {ratio:.2f} times its power" in warning
    assert not any(A in text for text in checked.warnings)


def test_a_frozen_counter_gives_way_to_power_and_says_so(checked: Checked) -> None:
    reader = checked.reader(2)
    assert isinstance(reader.by, Gauge)
    assert reader.why.endswith("stands still")
    assert reader.details()["why"] == reader.why
    assert any(C in text and "those of its power" in text for text in checked.warnings)


def test_a_frozen_counter_without_power_is_no_meter(checked: Checked) -> None:
    missing = checked.readers[3]
    assert isinstance(missing, MeterUnavailable)
    for text in ("GPU-mute", "has no power reading", "no counter that works", "type device=cpu"):
        assert text in str(missing)


def test_a_busy_board_has_no_idle_watts(checked: Checked) -> None:
    busy = checked.reader(4)
    assert busy.idle_watts is None
    assert busy.check is not None and busy.check.counter_over_power is not None


def test_what_was_found_is_kept_and_joined_with_the_other_state(checked: Checked) -> None:
    for index in (0, 6):
        start = time.monotonic()
        found = NvmlSource([all_boards()[index]], tree=ProcessTree())
        assert time.monotonic() - start < 2
        gpu = found.facts().details["gpus"]["gpu:0"]
        assert gpu["idle_watts"] == pytest.approx(40.0, rel=0.1)
        assert gpu["idle_with_context_watts"] == pytest.approx(60.0, rel=0.1)
        assert found.facts().idle_watts == pytest.approx({"gpu:0": 40.0}, rel=0.1)
        assert found.facts().tick_seconds == pytest.approx(0.05, rel=0.4)


def test_a_known_idle_power_makes_a_reading_certain_to_less_than_a_tick(checked: Checked) -> None:
    checked.nvml.change(0, tick=0.1)
    seen = watch(checked.nvml, NvmlSource(all_boards()[:1], tree=ProcessTree()), 1.07)
    assert abs(seen.error) <= seen.energy.uncertainty_joules < 30


# Facts


def test_facts_name_the_boards(nvml: FakeNvml) -> None:
    found = source()
    facts = found.facts()
    assert (facts.sources, facts.domains) == (("nvml",), ("gpu:0",))
    assert facts.scale_band == (0.885, 1.087)
    assert facts.repeatability == 0.03
    assert facts.details["gpus"]["gpu:0"] == {
        "uuid": A,
        "name": "NVIDIA A100-SXM4-80GB",
        "driver": "580.95.05",
        "power_limit_watts": 400.0,
        "temperature_celsius": 40.0,
        "tick": 0.1,
    }
    found.close()
    found.close()


# What other programs do


def test_programs_outside_the_tree_are_foreign(nvml: FakeNvml) -> None:
    found = source()
    nvml.change(processes=(ME, 1), shares={ME: 90, 1: 40, 2: 5})
    assert found.foreign_load() == {"gpu:0": pytest.approx(0.45)}
    nvml.change(processes=(ME,), shares={ME: 90})
    assert found.foreign_load() == {"gpu:0": 0.0}


def test_presence_counts_as_use_where_shares_are_not_told(nvml: FakeNvml) -> None:
    nvml.fail("nvmlDeviceGetProcessUtilization", NOT_SUPPORTED, 0)
    found = source()
    assert found.foreign_load() == {"gpu:0": 0.0}
    nvml.change(processes=(ME,))
    assert found.foreign_load() == {"gpu:0": 0.0}
    nvml.change(processes=(ME, 1))
    assert found.foreign_load() == {"gpu:0": 1.0}


def test_in_a_container_one_unknown_process_may_be_ours(nvml: FakeNvml) -> None:
    found = source()
    nvml.change(shares={645400: 80})
    assert found.foreign_load() == {"gpu:0": 0.0}
    nvml.change(shares={645400: 80, 645401: 30})
    assert found.foreign_load() == {"gpu:0": pytest.approx(0.3)}
    # Once our own number was seen, nobody unknown can be us.
    nvml.change(shares={ME: 80})
    assert found.foreign_load() == {"gpu:0": 0.0}
    nvml.change(shares={645401: 30})
    assert found.foreign_load() == {"gpu:0": pytest.approx(0.3)}


def test_what_happened_before_a_window_is_not_held_against_it(nvml: FakeNvml) -> None:
    found = source()
    nvml.change(processes=(ME,), shares={1: 50})
    with found.begin() as read:
        read()
        assert found.foreign_load() == {"gpu:0": pytest.approx(0.0)}


def test_a_board_that_is_lost_has_no_share(nvml: FakeNvml) -> None:
    found = source()
    nvml.fail("nvmlDeviceGetProcessUtilization", LOST, 0)
    assert found.foreign_load() == {}


# Which boards


@pytest.fixture(name="two")
def _two(tmp_path: Path) -> Iterator[FakeNvml]:
    boards = [FakeBoard(uuid=A), FakeBoard(uuid=C, pci=2, tick=0.02)]
    with FakeNvml(tmp_path, *boards).preloaded() as nvml:
        yield nvml


@pytest.mark.parametrize(
    ("gpus", "devices", "uuids"),
    [
        ("work", (), ()),
        ("work", (C,), (C,)),
        ("work", (C, A), (C, A)),
        ("work", (C, C), (C,)),
        ("visible", (), (C, A)),
        ([A], (), (A,)),
        (["GPU-cd", "GPU-ab"], (), (C, A)),
        (A, (), (A,)),
        (f"{A},{C}", (), (A, C)),
        ([], (C,), ()),
    ],
)
def test_boards_are_those_of_the_work_the_visible_or_a_list(
    two: FakeNvml,
    monkeypatch: pytest.MonkeyPatch,
    gpus: str | list[str],
    devices: tuple[str, ...],
    uuids: tuple[str, ...],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert tuple(board.uuid for board in boards_to_read(gpus, devices)) == uuids


def test_what_names_no_board_is_refused(two: FakeNvml) -> None:
    with pytest.raises(MeterUnavailable, match=f"GPU-ff: no GPU has this name.*{A}, {C}"):
        boards_to_read(["GPU-ff"], ())
    with pytest.raises(BadInput, match=r"meter\.gpus=all: type work, visible, or a list"):
        boards_to_read("all", ())
    with pytest.raises(BadInput, match=r"meter\.mig=half: type meter\.mig=refuse or"):
        boards_to_read("work", (), mig="half")


def test_a_slice_is_refused_or_charged_with_its_board(two: FakeNvml) -> None:
    two.change(0, mig=True, instances=("MIG-1111",))
    with pytest.raises(MeterUnavailable, match=r"joules cannot be told apart.*meter\.mig="):
        boards_to_read("work", ("MIG-1111",))
    boards = boards_to_read("work", ("MIG-1111",), mig="whole_board")
    found = NvmlSource(boards, tree=ProcessTree(), self_check=False)
    gpu = found.facts().details["gpus"]["gpu:0"]
    assert (gpu["uuid"], gpu["whole_board_for"]) == (A, "MIG-1111")


# A meter of them


def test_a_meter_reads_the_board_of_the_work(two: FakeNvml) -> None:
    waits: list[float] = []
    meter = open_meter(
        {"name": "nvml", "self_check": False},
        devices=[C],
        synchronize=lambda: waits.append(time.monotonic()),
    )
    with meter.window(WORK) as window:
        time.sleep(0.1)
        window.mark()
    meter.close()
    energy = only(window.marks[0].reading.domains)
    assert energy.joules == pytest.approx(60.0 * window.marks[0].reading.seconds, abs=15)
    assert meter.facts().details["gpus"]["gpu:0"]["uuid"] == C
    assert len(waits) == 3


READ = """
from energy_sweep.meter import Work, open_meter
meter = open_meter({"name": "nvml", "gpus": "visible", "self_check": False})
with meter.window(Work(stage="trunk", images=1, parameters=1)) as window:
    time.sleep(0.3)
facts, reading = meter.facts(), window.marks[0].reading
uuids = [gpu["uuid"] for gpu in facts.details["gpus"].values()]
print(json.dumps({"sources": facts.sources, "uuids": uuids, "joules": reading.joules}))
"""


def python(nvml: FakeNvml, code: str, *without: str, **variables: str) -> dict[str, object]:
    command = [sys.executable, "-c", f"import json, time\n{code}"]
    environment = {**nvml.environment(*without), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_another_process_reads_the_boards_that_it_sees(two: FakeNvml) -> None:
    told = python(two, READ, CUDA_VISIBLE_DEVICES="GPU-cd")
    assert told["uuids"] == [C]
    told = python(two, READ, CUDA_VISIBLE_DEVICES="1,0")
    assert told["uuids"] == [C, A]
    assert told["sources"] == ["nvml"]
    assert told["joules"] > 2 * 60 * 0.2  # type: ignore[operator]


# The survey


def test_a_probe_without_a_driver_says_what_is_missing(tmp_path: Path) -> None:
    with FakeNvml(tmp_path).preloaded() as nvml:
        nvml.fail("nvmlDeviceGetCount_v2", NOT_LOADED)
        found = probe()
    assert not found.usable
    assert "no NVIDIA driver answers here" in found.why
    assert "device=cpu" in found.remedy


def test_a_probe_tells_of_every_board_and_of_those_it_cannot_read(checked: Checked) -> None:
    denied = FakeBoard(uuid=C, errors={ENERGY: NO_PERMISSION})
    checked.nvml.put(*checked.nvml.boards[:2], denied)
    found = probe()
    assert found.usable
    assert found.domains == ("gpu:0", "gpu:1")
    assert found.quality == Quality.COUNTER
    assert found.resolution_joules == 1e-3
    assert found.tick_seconds == pytest.approx(0.1, rel=0.4)
    assert set(found.idle_watts) == {"gpu:0", "gpu:1"}
    assert all(text in found.why for text in (A, B, C, "root only"))
    assert set(found.details["gpus"]) == {"gpu:0", "gpu:1"}

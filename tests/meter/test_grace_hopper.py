"""A board that is one module with a processor: one domain, and no processor beside it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_nvml import ENERGY, NOT_SUPPORTED, UUIDS, FakeBoard, FakeNvml, grace_hopper
from meter.fake_powercap import machine

from energy_sweep.hardware.cpu import cpu_packages
from energy_sweep.hardware.gpu import all_boards
from energy_sweep.meter import Meter, Work, open_meter
from energy_sweep.meter.nvml import probe
from energy_sweep.meter.nvml.gpu import Reader, open_readers
from energy_sweep.record import Quality

A, _, C = UUIDS
WORK = Work(stage="trunk", images=1, parameters=1)
REST = 90.0


@pytest.fixture(name="nvml")
def _nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with FakeNvml(tmp_path, grace_hopper(rest=REST)).preloaded() as nvml:
        yield nvml


def opened(tmp_path: Path, *devices: str) -> Meter:
    spec = {"name": "auto", "powercap": str(tmp_path / "no counters"), "self_check": False}
    return open_meter(spec, devices=devices)


def test_auto_reads_one_domain_and_says_why_it_adds_no_processor(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    meter = opened(tmp_path, A)
    facts = meter.facts()
    assert (facts.sources, facts.domains) == (("nvml",), ("module:0",))
    assert facts.quality == Quality.COUNTER
    assert facts.details["why"] == (
        "the joules of NVIDIA GH200 480GB are those of the whole module, with its processor and"
        " memory: no processor is added"
    )
    board = facts.details["gpus"]["module:0"]
    assert board["counts"] == "the whole module, with processor and memory"
    with meter.window(WORK) as window:
        started = time.monotonic()
        time.sleep(0.5)
        mark = window.mark()
    (part,) = mark.reading.domains
    assert (part.domain, part.source) == ("module:0", "nvml")
    drawn = nvml.boards[0].joules(started, started + mark.reading.seconds)
    expected = drawn + REST * mark.reading.seconds
    assert part.joules == pytest.approx(expected, abs=part.uncertainty_joules)
    # The joules of the GPU alone would not do.
    assert expected - drawn > 2 * part.uncertainty_joules


def test_a_processor_with_counters_is_not_added_either(nvml: FakeNvml, tmp_path: Path) -> None:
    with machine(tmp_path / "powercap") as tree:
        spec = {"name": "auto", "powercap": str(tree.root), "self_check": False}
        assert open_meter(spec, devices=[A]).facts().domains == ("module:0",)
        assert open_meter(spec).facts().sources == ("rapl",)


def test_a_board_beside_the_module_is_added(tmp_path: Path) -> None:
    with FakeNvml(tmp_path, grace_hopper(), FakeBoard(uuid=C, pci=2)).preloaded():
        facts = opened(tmp_path, A, C).facts()
        assert facts.domains == ("module:0", "gpu:1")
        assert facts.sources == ("nvml",)
        assert "cpu" in opened(tmp_path, C).facts().domains


def test_the_processor_of_a_module_is_locked_too(nvml: FakeNvml, tmp_path: Path) -> None:
    package = f"cpu-{min(cpu_packages())}"
    stranger = dict(os.environ)  # a child would be told that its parent holds the lock
    with opened(tmp_path, A).window(WORK):
        other = (
            "import sys; from energy_sweep.meter.lock import WindowLock\n"
            "with WindowLock([sys.argv[1]]).hold(): print('mine')"
        )
        command = [sys.executable, "-c", other, package]
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=stranger)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.communicate(timeout=2)
    assert waiting.communicate(timeout=60)[0] == "mine\n"


def test_its_counter_is_held_against_the_power_of_the_module(
    nvml: FakeNvml, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        (reader,) = open_readers(all_boards(), check=True)
    assert isinstance(reader, Reader)
    assert reader.check is not None
    assert reader.check.counter_over_power == pytest.approx(1.0, rel=0.1)
    assert not caplog.messages


def test_without_a_counter_it_is_read_by_the_power_of_the_module(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    nvml.change(errors={ENERGY: NOT_SUPPORTED})
    meter = opened(tmp_path, A)
    facts = meter.facts()
    assert (facts.sources, facts.domains) == (("nvml-power",), ("module:0",))
    with meter.window(WORK) as window:
        time.sleep(0.3)
        reading = window.mark().reading
    assert reading.joules == pytest.approx((60.0 + REST) * reading.seconds, rel=0.05)


def test_where_only_the_power_of_the_gpu_is_told_the_processor_is_added(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    nvml.change(errors={ENERGY: NOT_SUPPORTED}, rest=0.0)
    facts = opened(tmp_path, A).facts()
    assert facts.sources == ("nvml-power", "estimate")
    assert facts.domains == ("gpu:0", "cpu", "memory")


def test_the_survey_says_what_the_joules_hold(nvml: FakeNvml) -> None:
    found = probe()
    assert found.domains == ("module:0",)
    assert "with its processor and memory" in found.why


def test_measure_and_meters_show_one_domain(nvml: FakeNvml, tmp_path: Path) -> None:
    environment = {**nvml.environment(), "PYTHONWARNINGS": "ignore"}
    verb = [sys.executable, "-m", "energy_sweep"]
    lacking = ["--powercap", str(tmp_path / "no counters")]

    def told(*words: str) -> str:
        command = [*verb, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    measured = json.loads(told("measure", "--json", *lacking, "--", "true"))
    assert [part["domain"] for part in measured["domains"]] == ["module:0"]
    assert "no processor is added" in measured["meter"]["details"]["why"]
    assert "whose joules hold the processor" in " ".join(told("meters", *lacking).split())

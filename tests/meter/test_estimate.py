"""The estimate charges what this process and its children did, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from energy_sweep.meter import Meter, Work, open_meter
from energy_sweep.meter.base import Window, meter_id
from energy_sweep.meter.estimate import reprice
from energy_sweep.record import DomainEnergy, EnergyReading, Quality

WORK = Work(stage="infer", images=1, parameters=1)
GIB = 2**30
BURN = "import time\nwhile time.process_time() < {}: pass\n"


def opened(threads: int = 1, **settings: Any) -> Meter:
    return open_meter({"name": "estimate", **settings}, threads=threads)


def burn(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        pass


def only(window: Window) -> EnergyReading:
    (mark,) = window.marks
    return mark.reading


def joules(reading: EnergyReading, domain: str) -> float:
    return next(part.joules for part in reading.domains if part.domain == domain)


def test_cpu_joules_are_watts_times_cpu_seconds() -> None:
    meter = opened(cpu_watts_per_core=7.0)
    with meter.window(WORK) as window:
        before = time.process_time()
        burn(0.1)
        used = time.process_time() - before
    reading = only(window)
    assert reading.terms["cpu_seconds"] == pytest.approx(used, abs=0.01)
    assert joules(reading, "cpu") == pytest.approx(7.0 * reading.terms["cpu_seconds"])


def test_sleeping_is_free() -> None:
    with opened().window(WORK) as window:
        time.sleep(0.3)
    assert only(window).seconds >= 0.3
    assert only(window).joules < 3.0 * 0.05


def test_children_that_came_and_went_are_charged() -> None:
    with opened().window(WORK) as window:
        for _ in range(3):
            subprocess.run([sys.executable, "-c", BURN.format(0.15)], check=True)
    assert only(window).terms["cpu_seconds"] >= 3 * 0.15


@pytest.mark.no_cover
def test_children_still_alive_are_charged_once() -> None:
    # Python's own end would take CPU time too, and more on a busy machine.
    told = "print(time.process_time(), flush=True)\ninput()\nos._exit(0)"
    code = "import os\n" + BURN.format(0.3) + told
    with opened().window(WORK) as window:
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        used = float(child.stdout.readline())
        alive = window.mark().reading
        child.communicate("\n")
        dead = window.mark().reading
    assert used <= alive.terms["cpu_seconds"] < used + 0.2
    assert dead.terms["cpu_seconds"] < 0.1


def test_memory_is_charged_above_the_size_at_opening() -> None:
    meter = opened(threads=2)
    block = bytearray(os.urandom(1)) * (200 * 2**20)
    with meter.window(WORK) as window:
        burn(0.1)
    reading = only(window)
    gib = reading.terms["gib_cpu_seconds"] / reading.terms["cpu_seconds"] * 2
    assert gib == pytest.approx(len(block) / GIB, rel=0.2)
    assert joules(reading, "memory") == pytest.approx(0.3725 * reading.terms["gib_cpu_seconds"])
    assert reading.peak_memory_bytes is not None and reading.peak_memory_bytes > len(block)


def test_memory_is_never_negative() -> None:
    block = bytearray(os.urandom(1)) * (300 * 2**20)
    meter = opened()
    del block
    with meter.window(WORK) as window:
        burn(0.01)
    assert joules(only(window), "memory") == 0.0


def test_repricing_equals_measuring_with_the_new_watts() -> None:
    meter, other = opened(), opened(cpu_watts_per_core=6.0)
    with meter.window(WORK) as window:
        burn(0.02)
    reading = only(window)
    dearer = reprice(reading, other.facts().coefficients)
    assert joules(dearer, "cpu") == pytest.approx(2 * joules(reading, "cpu"))
    assert dearer.domains[0].uncertainty_joules == pytest.approx(
        2 * reading.domains[0].uncertainty_joules
    )
    assert reprice(dearer, meter.facts().coefficients) == reading
    assert meter_id(meter.facts()) == meter_id(other.facts())


BOARD = DomainEnergy(
    domain="gpu:0", joules=5.0, uncertainty_joules=0.1, source="nvml", quality=Quality.COUNTER
)


def test_repricing_leaves_measured_joules_alone() -> None:
    reading = EnergyReading(domains=(BOARD,), seconds=1.0)
    assert reprice(reading, {"cpu_watts_per_core": 9.0}) is reading


def test_repricing_a_mixed_reading_changes_its_estimated_domains_only() -> None:
    estimated = [
        DomainEnergy(
            domain=name,
            joules=value,
            uncertainty_joules=value / 10,
            source="estimate",
            quality=Quality.ESTIMATED,
        )
        for name, value in (("cpu", 6.0), ("memory", 0.5))
    ]
    terms = {"cpu_seconds": 2.0, "gib_cpu_seconds": 1.0}
    reading = EnergyReading(
        domains=(BOARD, *estimated), seconds=1.0, terms=terms, contended=True, foreign={"cpu": 0.2}
    )
    dearer = reprice(reading, {"cpu_watts_per_core": 6.0, "memory_watts_per_gib": 1.5})
    assert [part.domain for part in dearer.domains] == ["gpu:0", "cpu", "memory"]
    assert dearer.domains[0] == BOARD
    assert [part.joules for part in dearer.domains[1:]] == pytest.approx([12.0, 1.5])
    assert [part.uncertainty_joules for part in dearer.domains[1:]] == pytest.approx([1.2, 0.15])
    assert (dearer.terms, dearer.contended, dearer.foreign) == (terms, True, {"cpu": 0.2})


def test_relative_noise_falls_with_the_length_of_a_mark() -> None:
    with opened().window(WORK) as window:
        burn(0.01)
        short = window.mark().reading
        burn(0.16)
        long = window.mark().reading
    assert 0 < long.uncertainty_joules / long.joules < short.uncertainty_joules / short.joules / 2


def test_queued_work_is_waited_for_at_every_edge() -> None:
    calls: list[int] = []
    meter = open_meter("estimate", synchronize=lambda: calls.append(1))
    with meter.window(WORK) as window:
        window.mark()
        window.mark()
    assert len(calls) == 4  # opening, two marks, closing

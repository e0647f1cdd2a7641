"""The estimate charges what this process and its children did, and nothing else."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from energy_sweep.meter import Work
from energy_sweep.meter.base import Window, meter_id
from energy_sweep.meter.estimate import EstimateMeter, reprice
from energy_sweep.meter.process import Edge, ProcessTree, contended
from energy_sweep.record import BadInput, DomainEnergy, EnergyReading, Quality

WORK = Work(stage="infer", images=1, parameters=1)
GIB = 2**30
BURN = "import time\nwhile time.process_time() < {}: pass\n"


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
    meter = EstimateMeter(cpu_watts_per_core=7.0)
    with meter.window(WORK) as window:
        before = time.process_time()
        burn(0.1)
        used = time.process_time() - before
    reading = only(window)
    assert reading.terms["cpu_seconds"] == pytest.approx(used, abs=0.01)
    assert joules(reading, "cpu") == pytest.approx(7.0 * reading.terms["cpu_seconds"])


def test_sleeping_is_free() -> None:
    with EstimateMeter().window(WORK) as window:
        time.sleep(0.3)
    assert only(window).seconds >= 0.3
    assert only(window).joules < 3.0 * 0.05


def test_children_that_came_and_went_are_charged() -> None:
    with EstimateMeter().window(WORK) as window:
        for _ in range(3):
            subprocess.run([sys.executable, "-c", BURN.format(0.15)], check=True)
    assert only(window).terms["cpu_seconds"] >= 3 * 0.15


def test_children_still_alive_are_charged_once() -> None:
    code = BURN.format(0.3) + "print('done', flush=True)\ninput()"
    meter = EstimateMeter()
    with meter.window(WORK) as window:
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        alive = window.mark().reading
        child.communicate("\n")
        dead = window.mark().reading
    assert 0.25 <= alive.terms["cpu_seconds"] < 1.0
    assert dead.terms["cpu_seconds"] < 0.1
    assert alive.domains[0].uncertainty_joules > 3.0 * 0.009


def test_memory_is_charged_above_the_size_at_opening() -> None:
    meter = EstimateMeter(threads=2)
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
    meter = EstimateMeter()
    del block
    with meter.window(WORK) as window:
        burn(0.01)
    assert joules(only(window), "memory") == 0.0


def test_repricing_equals_measuring_with_the_new_watts() -> None:
    meter, other = EstimateMeter(), EstimateMeter(cpu_watts_per_core=6.0)
    with meter.window(WORK) as window:
        burn(0.02)
    reading = only(window)
    dearer = reprice(reading, other.coefficients)
    assert joules(dearer, "cpu") == pytest.approx(2 * joules(reading, "cpu"))
    assert dearer.domains[0].uncertainty_joules == pytest.approx(
        2 * reading.domains[0].uncertainty_joules
    )
    assert reprice(dearer, meter.coefficients) == reading
    assert meter_id(meter.facts()) == meter_id(other.facts())


def test_repricing_leaves_measured_joules_alone() -> None:
    part = DomainEnergy(
        domain="gpu:0", joules=5.0, uncertainty_joules=0.1, source="nvml", quality=Quality.COUNTER
    )
    reading = EnergyReading(domains=(part,), seconds=1.0)
    assert reprice(reading, {"cpu_watts_per_core": 9.0}) is reading


def test_design_power_is_spread_over_the_cpus() -> None:
    cores = os.cpu_count() or 1
    meter = EstimateMeter(cpu_tdp_w=10.0 * cores)
    assert meter.coefficients["cpu_watts_per_core"] == 10.0


def test_the_band_is_that_of_published_watts() -> None:
    low, high = EstimateMeter().facts().scale_band
    assert (3.0 * low, 3.0 * high) == pytest.approx((2.8, 12.0))
    assert EstimateMeter(cpu_watts_per_core=20.0).facts().scale_band[1] == 1.0


@pytest.mark.parametrize("watts", [0, -3.0, float("nan"), float("inf"), True])
def test_watts_are_checked(watts: float) -> None:
    with pytest.raises(BadInput, match="above 0"):
        EstimateMeter(cpu_watts_per_core=watts)


def test_relative_noise_falls_with_the_length_of_a_mark() -> None:
    with EstimateMeter().window(WORK) as window:
        burn(0.01)
        short = window.mark().reading
        burn(0.16)
        long = window.mark().reading
    assert 0 < long.uncertainty_joules / long.joules < short.uncertainty_joules / short.joules / 2


def test_queued_work_is_waited_for_at_every_edge() -> None:
    calls: list[int] = []
    meter = EstimateMeter(synchronize=lambda: calls.append(1))
    with meter.window(WORK) as window:
        window.mark()
        window.mark()
    assert len(calls) == 4  # opening, two marks, closing


def test_an_edge_costs_under_a_millisecond() -> None:
    tree = ProcessTree()
    costs = []
    for _ in range(51):
        before = time.process_time()
        tree.edge()
        costs.append(time.process_time() - before)
    assert statistics.median(costs) < 1e-3


ORIGIN = Edge(seconds=0.0, cpu_seconds=0.0, tick_seconds=1e-6, resident_bytes=0, busy_seconds=0.0)


def test_only_load_of_others_contends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    quiet = replace(ORIGIN, seconds=1.0, cpu_seconds=3.5, busy_seconds=3.6)
    assert contended(ORIGIN, quiet) is False
    assert contended(ORIGIN, replace(quiet, busy_seconds=3.8)) is True
    assert contended(ORIGIN, replace(quiet, seconds=0.1)) is None


def test_a_short_mark_is_judged_by_the_window_so_far() -> None:
    with EstimateMeter().window(WORK) as window:
        first = window.mark().reading
        time.sleep(0.25)
        window.mark()
        last = window.mark().reading
    assert first.contended is None
    assert last.contended is not None

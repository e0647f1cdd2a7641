"""Watts fitted to what a plug shows, and the loads that they are fitted to."""

from __future__ import annotations

import random

import pytest

from energy_sweep.meter.calibrate import (
    PlugReading,
    fit,
    free_bytes,
    hold_load,
    phases,
    plug_reading,
)
from energy_sweep.record import BadInput

IDLE, CPU, MEMORY = 38.0, 4.5, 0.6


def plug(cores: float, gib: float = 0.0, *, error: float = 0.0, watts: float | None = None):
    """What a machine of known watts shows; `gib` per busy core and second."""
    shown = IDLE + CPU * cores + MEMORY * gib + error if watts is None else watts
    return PlugReading(
        phase="any",
        watts=shown,
        cpu_seconds_per_second=cores,
        gib_cpu_seconds_per_second=gib,
        seconds=30.0,
    )


def test_the_fit_finds_the_watts_of_the_machine() -> None:
    found = fit([plug(0), plug(1), plug(8), plug(8, 4)])
    assert found.idle_watts == pytest.approx(IDLE)
    assert found.cpu_watts_per_core == pytest.approx(CPU)
    assert found.memory_watts_per_gib == pytest.approx(MEMORY)
    assert found.degrees == 1
    assert found.cpu_watts_error == pytest.approx(0.0, abs=1e-6)


def test_as_many_readings_as_watts_say_nothing_of_the_error() -> None:
    found = fit([plug(0), plug(8), plug(8, 4)])
    assert found.cpu_watts_per_core == pytest.approx(CPU)
    assert found.cpu_watts_error is None and found.degrees == 0


def test_without_a_load_on_memory_its_published_watts_stay() -> None:
    found = fit([plug(0), plug(1, 0.02), plug(8, 0.2)])
    assert found.memory_watts_per_gib is None
    assert found.cpu_watts_per_core == pytest.approx(CPU, rel=0.01)


def test_the_error_is_that_of_least_squares() -> None:
    # By hand: y = 1, 2, 4 at x = 0, 1, 2 has slope 1.5, residuals 1/6 -2/6 1/6, error sqrt(1/12).
    found = fit([plug(x, watts=y) for x, y in ((0, 1.0), (1, 2.0), (2, 4.0))])
    assert found.cpu_watts_per_core == pytest.approx(1.5)
    assert found.cpu_watts_error == pytest.approx((1 / 12) ** 0.5)


def test_the_fit_is_within_its_error_of_the_truth() -> None:
    noise, hits = random.Random(0), 0
    for _ in range(100):
        loads = [(0, 0), (1, 0), (8, 0), (8, 4)] * 3
        found = fit([plug(c, g, error=noise.gauss(0, 0.5)) for c, g in loads])
        assert found.cpu_watts_error is not None
        hits += abs(found.cpu_watts_per_core - CPU) <= 2.262 * found.cpu_watts_error  # t, 9 degrees
    assert 88 <= hits <= 100


def test_no_watts_are_negative() -> None:
    found = fit([plug(0), plug(1), plug(8), plug(8, 4, error=-10.0)])
    assert found.memory_watts_per_gib == 0.0
    assert found.cpu_watts_per_core > 0 and found.idle_watts > 0


@pytest.mark.parametrize(
    ("readings", "say"),
    [
        ([], "idle phase and of a busy one"),
        ([plug(8)], "idle phase and of a busy one"),
        ([plug(8), plug(8)], "idle phase and of a busy one"),
        ([plug(0, watts=50.0), plug(8, watts=40.0)], "no more watts under load"),
    ],
)
def test_readings_that_tell_nothing_are_refused(readings: list[PlugReading], say: str) -> None:
    with pytest.raises(BadInput, match=say) as refused:
        fit(readings)
    assert "\n" not in str(refused.value)


def test_the_loads_suit_the_machine() -> None:
    many = phases(8, 64 * 2**30)
    assert [(one.name, one.threads, one.gib) for one in many] == [
        ("idle", 0, 0.0),
        ("one", 1, 0.0),
        ("all", 8, 0.0),
        ("memory", 8, 4.0),
    ]
    assert [one.name for one in phases(1, 2**20)] == ["idle", "one"]
    assert phases(2, 2 * 2**30)[-1].gib == 1.0
    assert free_bytes() > 0


def test_a_load_is_held_and_counted_as_the_estimate_counts_it() -> None:
    idle, one, _, memory = phases(2, 2**29)
    asleep = plug_reading(idle, hold_load(idle, 0.2), 40.0)
    busy = plug_reading(one, hold_load(one, 0.3), 44.0)
    held = plug_reading(memory, hold_load(memory, 0.3), 49.0)
    assert asleep.cpu_seconds_per_second < 0.2 < busy.cpu_seconds_per_second < 1.2
    assert busy.watts == 44.0 and busy.seconds >= 0.3
    # 0.2 GiB, shared by two threads.
    gib = held.gib_cpu_seconds_per_second / held.cpu_seconds_per_second * 2
    assert gib == pytest.approx(memory.gib, abs=0.1)
    assert held.gib_cpu_seconds_per_second > busy.gib_cpu_seconds_per_second

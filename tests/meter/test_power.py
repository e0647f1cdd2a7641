"""Power sampled in the background of a window."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.meter import ReadingLost
from energy_sweep.meter.nvml.power import Gauge, PowerSource, Stretch, Trapezoid, sampling_error
from energy_sweep.meter.source import EdgeReading
from energy_sweep.record import DomainEnergy, MeterFacts, Quality

FACTS = MeterFacts(sources=("nvml-power",), domains=("gpu:0",), quality=Quality.INTEGRATED)


def gauge(read: Callable[[], float], domain: str = "gpu:0") -> Gauge:
    return Gauge(domain=domain, read=read, late_seconds=0.1)


@contextmanager
def window(*reads: Callable[[], float]) -> Iterator[EdgeReading]:
    gauges = [gauge(read, f"gpu:{index}") for index, read in enumerate(reads)]
    with PowerSource(gauges, FACTS).begin() as read:
        yield read


def only(read: EdgeReading) -> DomainEnergy:
    (energy,) = read().domains
    return energy


def test_steady_power_is_watts_times_seconds() -> None:
    asked = time.monotonic()
    with window(lambda: 200.0) as read:
        opened = time.monotonic()
        time.sleep(0.35)
        closing = time.monotonic()
        energy = only(read)
        closed = time.monotonic()
    assert 200.0 * (closing - opened) <= energy.joules <= 200.0 * (closed - asked)
    assert (energy.source, energy.quality) == ("nvml-power", Quality.INTEGRATED)
    assert energy.edge_joules == pytest.approx(200.0 * 0.15)
    assert energy.uncertainty_joules == pytest.approx(energy.edge_joules)


@given(
    steps=st.lists(
        st.tuples(st.floats(0.001, 5.0), st.floats(0.0, 700.0), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    first=st.floats(0.0, 700.0),
)
def test_stretches_add_up_to_the_area_under_the_samples(
    steps: list[tuple[float, float, bool]], first: float
) -> None:
    now, watts = 0.0, first
    curve = Trapezoid(gauge(lambda: watts), clock=lambda: now)
    stretches = [curve.edge()]
    area, before = 0.0, first
    for seconds, power, is_edge in steps:
        now, watts = now + seconds, power
        area += seconds * (before + power) / 2
        before = power
        if is_edge:
            stretches.append(curve.edge())
        else:
            assert curve.sample()
    now += 1.0
    area += before
    stretches.append(curve.edge())
    assert math.fsum(one.joules for one in stretches) == pytest.approx(area, rel=1e-9, abs=1e-9)
    assert math.fsum(one.seconds for one in stretches) == pytest.approx(now, rel=1e-9)
    assert all(one.joules >= 0 and one.samples for one in stretches)


@given(watts=st.floats(1.0, 700.0), count=st.integers(1, 50))
def test_steady_samples_leave_no_sampling_error(watts: float, count: int) -> None:
    stretch = Stretch(joules=1.0, seconds=10.0, samples=(watts,) * count)
    assert sampling_error(stretch) == pytest.approx(0.0, abs=1e-6)


def test_the_sampling_error_is_that_of_a_mean() -> None:
    few = Stretch(joules=1.0, seconds=10.0, samples=(100.0, 300.0) * 5)
    many = Stretch(joules=1.0, seconds=10.0, samples=(100.0, 300.0) * 500)
    assert sampling_error(few) == pytest.approx(1.96 * 105.4 / math.sqrt(10) * 10, rel=0.01)
    assert sampling_error(few) / sampling_error(many) == pytest.approx(10.0, rel=0.06)


def test_work_inside_a_window_is_within_the_uncertainty() -> None:
    opened = time.monotonic()
    steps = [(opened + 0.25, 300.0), (opened + 0.85, 60.0)]

    def watts() -> float:
        at = math.floor(time.monotonic() / 0.1) * 0.1
        return next((power for start, power in reversed(steps) if start <= at), 60.0)

    with window(watts) as read:
        start = time.monotonic()
        time.sleep(1.1)
        energy = only(read)
        end = time.monotonic()
    truth = 60.0 * (end - start) + 240.0 * 0.6
    assert abs(energy.joules - truth) <= energy.uncertainty_joules


def test_samples_are_taken_ten_times_a_second_while_the_window_is_open() -> None:
    taken: list[str] = []

    def watts() -> float:
        taken.append(threading.current_thread().name)
        return 100.0

    before, start = threading.active_count(), time.monotonic()
    with window(watts) as read:
        assert threading.active_count() == before + 1
        time.sleep(0.55)
        read()
    seconds = time.monotonic() - start
    assert threading.active_count() == before
    here = threading.current_thread().name
    assert taken.count(here) == 2
    assert 1 <= len(taken) - 2 <= seconds / 0.1
    count = len(taken)
    time.sleep(0.25)
    assert len(taken) == count


def test_what_goes_wrong_between_edges_is_said_at_the_next_one_and_ever_after() -> None:
    calls = 0

    def watts() -> float:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ReadingLost("GPU-ab12 was lost: GPU is lost")
        return 100.0

    with window(watts) as read:
        deadline = time.monotonic() + 5
        while calls < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(2):
            with pytest.raises(ReadingLost, match="GPU-ab12 was lost"):
                read()
    assert calls == 2


def test_a_gauge_that_fails_at_once_opens_no_window() -> None:
    def lost() -> float:
        raise ReadingLost("GPU-ab12 was lost")

    before = threading.active_count()
    with pytest.raises(ReadingLost, match="GPU-ab12"), window(lambda: 100.0, lost):
        pytest.fail("the window is open")
    assert threading.active_count() == before


def test_several_gauges_have_a_domain_each() -> None:
    with window(lambda: 100.0, lambda: 300.0) as read:
        time.sleep(0.1)
        first, second = read().domains
    assert (first.domain, second.domain) == ("gpu:0", "gpu:1")
    assert second.joules > 1.5 * first.joules > 0

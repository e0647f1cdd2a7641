"""Readings of counters tile a window, and say how far their edges may be off."""

from __future__ import annotations

import contextlib
import math
import statistics
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meter.virtual_time import FACTS, UNIT, World, counter

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.counter.source import LOOKS_PER_TICK, CounterSource, watch_seconds
from energy_sweep.record import DomainEnergy


def counts(energy: DomainEnergy, unit: float = UNIT) -> int:
    return round(energy.joules / unit)


LENGTHS = st.lists(st.floats(0.01, 60.0), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 999), LENGTHS, st.sampled_from([None, 5_000_000]), st.sampled_from([0.001, 0.1])
)
def test_marks_and_rest_tile_the_window(
    seed: int, ticks: list[float], span: int | None, tick: float
) -> None:
    watts = 0.04 / tick  # the longest mark takes half a span
    world = World(seed, tick=tick, watts=watts)
    source = world.source(span=span, most_watts=2 * watts)
    outer = world.shown()
    with source.begin() as read:
        start = world.shown()
        parts = []
        for length in ticks:
            world.now += length * tick
            parts.append(read().domains[0])
        parts.append(read().domains[0])
        end = world.shown()
    assert start > outer  # it has waited for a tick
    assert sum(map(counts, parts)) == end - start
    assert all(part.joules > 0 for part in parts)


def test_nested_windows_do_not_disturb_each_other() -> None:
    world = World(3)
    source = world.source(span=30_000_000, most_watts=60.0)
    with source.begin() as outer:
        world.draw(50.0)
        first = world.shown()
        world.now += 0.2
        before = outer().domains[0]
        with source.begin() as inner:
            world.now += 0.3
            inside = inner().domains[0]
            world.now += 0.1
            inner()
        after = outer().domains[0]
        last = world.shown()
    assert inside.joules == pytest.approx(0.3 * 50, rel=0.02)
    assert counts(before) + counts(after) <= last
    assert before.joules + after.joules == pytest.approx((last - first) * UNIT, rel=0.01)
    assert after.joules > inside.joules


def test_a_long_mark_ends_at_a_tick_and_a_short_one_does_not_wait() -> None:
    world = World(4)
    with world.source().begin() as read:
        world.now += 0.0033
        before = world.now
        short = read().domains[0]
        assert world.now - before < 0.1 * world.tick
        world.now += 0.05
        before, reads = world.now, world.reads
        long = read().domains[0]
        assert world.now - before < 1.5 * world.tick
        assert world.reads - reads <= LOOKS_PER_TICK + 2
    assert short.edge_joules == pytest.approx(40 * world.tick, rel=0.3)
    # Its first edge was late by a tick, its last one is not.
    assert long.edge_joules == pytest.approx(short.edge_joules, rel=0.3)


def test_where_nothing_moved_an_edge_waits() -> None:
    world = World(5, tick=0.1)
    with world.source().begin() as read:
        world.now += 0.02
        part = read().domains[0]
    assert part.joules > 0
    assert part.uncertainty_joules > part.joules / 2  # nearly all of it was spent waiting


def test_joules_spent_waiting_are_part_of_the_uncertainty() -> None:
    found: list[float] = []
    for idle in (None, 10.0):
        world = World(6, tick=0.1, watts=50.0)
        with world.source(idle_watts=idle).begin() as read:
            world.now += 1.23
            asked = world.now
            part = read().domains[0]
            waited = world.now - asked
        found.append(part.uncertainty_joules - part.edge_joules)
        assert found[-1] == pytest.approx((idle or 50.0) * waited, rel=0.1)
    assert found[1] < found[0]


def test_edges_of_neighbours_cancel() -> None:
    world = World(7)
    parts = []
    with world.source().begin() as read:
        start = world.now
        for _ in range(50):
            world.now += 0.0033
            parts.append(read().domains[0])
        truth = world.joules(world.now) - world.joules(start)
    off = sum(part.joules for part in parts) - truth
    edges = [part.edge_joules for part in parts]
    assert abs(off) <= math.hypot(*edges) / math.sqrt(len(edges))
    singles = [part.joules - 40 * 0.0033 for part in parts]
    assert sum(map(abs, singles)) > 3 * abs(off)


def windows(world: World, *, marks: int, ticks: float) -> Iterator[tuple[DomainEnergy, float]]:
    """Readings and true joules of marks whose power varies; idle in between."""
    chance = world.random
    with world.source(idle_watts=40.0).begin() as read:
        for _ in range(marks):
            start = world.now
            end = start + ticks * world.tick * chance.uniform(0.5, 1.5)
            while world.now < end:
                world.draw(200 * chance.uniform(0.5, 1.5))
                world.now = min(end, world.now + chance.expovariate(0.5) * world.tick)
            truth = world.joules(world.now) - world.joules(start)
            world.draw(40.0)
            yield read().domains[0], truth


@pytest.mark.parametrize("tick", [0.001, 0.1])
def test_the_truth_is_within_the_uncertainty_19_times_of_20(tick: float) -> None:
    held: list[bool] = []
    for ticks in (0.5, 2, 6, 15, 40, 200):
        widths: list[float] = []
        for seed in range(40):
            world = World(seed, tick=tick)
            for part, truth in windows(world, marks=3, ticks=ticks):
                held.append(abs(part.joules - truth) <= part.uncertainty_joules)
                widths.append(part.uncertainty_joules / truth)
        # A mark of n ticks is known to about 1 part in n, and to much better where it may wait.
        assert statistics.median(widths) < (2 / ticks if ticks < 10 else 0.5 / ticks + 0.02)
    assert statistics.mean(held) >= 0.95


def test_one_that_stands_still_is_refused_at_the_opening_edge() -> None:
    world = World(8, watts=0.0)
    source = world.source()
    with pytest.raises(ReadingLost, match="the counter stood still"), source.begin():
        pass


@pytest.mark.parametrize("after", [0.0001, 0.005, 0.2, 3.0])
def test_one_that_stops_within_a_window_is_lost(after: float) -> None:
    world = World(9)
    with world.source().begin() as read:
        world.now += 0.05
        read()
        world.draw(0.0)
        world.now += 0.002
        with contextlib.suppress(ReadingLost):
            read()  # what was left in the last tick
        world.now += after
        with pytest.raises(ReadingLost, match="stood still"):
            read()


def test_a_reset_loses_the_window_but_not_the_next_one() -> None:
    value = 10**10

    def read() -> int:
        nonlocal value
        value += 10
        return value

    source = CounterSource([counter(read, span=10**11)], FACTS)
    with source.begin() as mark:
        mark()
        value = 0
        for _ in range(2):
            with pytest.raises(ReadingLost, match="the counter jumped"):
                mark()
    with source.begin() as mark:
        assert mark().domains[0].joules > 0


@pytest.mark.no_cover
def test_the_keeper_sees_every_wrap_between_two_edges() -> None:
    """The counter gains by each look, so that what was seen is what was drawn, however slow."""
    step, wrap = 400_000, 1_600_000
    looks = 0

    def read() -> int:
        nonlocal looks
        looks += 1
        return looks * step % wrap

    one = counter(read, span=wrap, tick=0.2, most_watts=1.0)
    with CounterSource([one], FACTS).begin() as mark:
        mark()
        first = looks
        end = time.monotonic() + 60
        while looks < first + 3 * wrap // step + 1:
            assert time.monotonic() < end
            time.sleep(0.01)
        part = mark().domains[0]
        assert counts(part) == (looks - first) * step
    assert part.joules > 3 * wrap * UNIT


def test_what_the_keeper_cannot_read_harms_no_later_window() -> None:
    broken, failures, value = False, 0, 0

    def read() -> int:
        nonlocal value, failures
        if broken:
            failures += 1
            raise ReadingLost("gone")
        value += 10
        return value

    one = counter(read, span=10**6, tick=0.01, most_watts=5.0)
    assert watch_seconds([one]) < 0.1
    source = CounterSource([one], FACTS)
    names = {thread.ident for thread in threading.enumerate()}
    with source.begin() as mark:
        broken = True
        end = time.monotonic() + 60
        while failures < 2:
            assert time.monotonic() < end
            time.sleep(0.005)
        with pytest.raises(ReadingLost, match="gone"):
            mark()
        broken = False
        with contextlib.suppress(ReadingLost):  # where it took too long to come back
            mark()
    for _ in range(2):
        with source.begin() as mark:
            assert mark().domains[0].joules > 0
    assert {thread.ident for thread in threading.enumerate()} == names


def test_counters_are_watched_often_enough() -> None:
    assert watch_seconds([counter()]) == 1.0
    small = counter(span=1_000_000, most_watts=10.0)
    assert watch_seconds([counter(), small]) == pytest.approx(0.01)

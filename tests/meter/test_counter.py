"""Counters are added up exactly, whatever they do; edges say how far they may be off."""

from __future__ import annotations

import bisect
import contextlib
import math
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.counter import (
    LOOKS_PER_TICK,
    Accumulator,
    Counter,
    CounterSource,
    watch_seconds,
)
from energy_sweep.record import DomainEnergy, MeterFacts, Quality

UNIT = 1e-6
FACTS = MeterFacts(sources=("test",), domains=("cpu:0",), quality=Quality.COUNTER)


def counter(
    read: Callable[[], int] = int,
    *,
    span: int | None = None,
    tick: float = 0.001,
    most_watts: float = 2000.0,
    idle_watts: float | None = None,
    unit: float = UNIT,
) -> Counter:
    return Counter(
        domain="cpu:0",
        label="the counter",
        read=read,
        joules_per_count=unit,
        tick_seconds=tick,
        span=span,
        idle_watts=idle_watts,
        most_watts=most_watts,
    )


def counts(energy: DomainEnergy, unit: float = UNIT) -> int:
    return round(energy.joules / unit)


class World:
    """Time that passes only when it is told to, and a counter that shows power up to a tick."""

    def __init__(self, seed: int = 0, *, tick: float = 0.001, watts: float = 40.0) -> None:
        self.random = random.Random(seed)
        self.tick = tick
        self.now = self.random.uniform(0, 10 * tick)
        self.reads = 0
        self._since, self._joules, self._watts = [0.0], [0.0], [watts]
        self._ticks = [-self.random.random() * tick]

    def draw(self, watts: float) -> None:
        """Draw so much from now on."""
        joules = self.joules(self.now)
        self._since.append(self.now)
        self._joules.append(joules)
        self._watts.append(watts)

    def joules(self, moment: float) -> float:
        index = bisect.bisect_right(self._since, moment) - 1
        past = max(moment, 0.0) - self._since[index]
        return self._joules[index] + self._watts[index] * past

    def shown(self) -> int:
        """What the counter has counted up to its last tick."""
        while self._ticks[-1] <= self.now:
            self._ticks.append(self._ticks[-1] + self.tick * self.random.uniform(0.9, 1.1))
        last = self._ticks[bisect.bisect_right(self._ticks, self.now) - 1]
        return int(self.joules(last) / UNIT)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.random.uniform(50e-6, 100e-6)

    def source(
        self,
        *,
        span: int | None = None,
        idle_watts: float | None = None,
        most_watts: float = 2000.0,
    ) -> CounterSource:
        def read() -> int:
            self.reads += 1
            self.now += 15e-6
            return self.shown() if span is None else self.shown() % span

        one = counter(read, span=span, tick=self.tick, idle_watts=idle_watts, most_watts=most_watts)
        return CounterSource([one], FACTS, clock=self.clock, sleep=self.sleep)


# A share of the most that a counter can gain between two reads, and the seconds between them as a
# share of those in which it might begin again unseen.
STEPS = st.lists(st.tuples(st.floats(0, 1), st.floats(1e-6, 0.999)), min_size=1, max_size=40)


@given(start=st.integers(0, 10**12), span=st.integers(10**6, 10**12), steps=STEPS)
def test_every_wrap_is_added_up_exactly(
    start: int, span: int, steps: list[tuple[float, float]]
) -> None:
    one = counter(span=span, tick=1e-6)
    longest = span * UNIT / one.most_watts - one.tick_seconds
    total, truth, now = Accumulator(one), start, 0.0
    last = total.update(truth % span, now, now)
    for share, gap in steps:
        now += gap * longest
        truth += max(int(share * one.most_counts(gap * longest)), 1)
        level = total.update(truth % span, now, now)
        assert level.counts >= last.counts
        last = level
    assert (last.counts, last.breaks) == (truth - start, 0)


@given(start=st.integers(0, 10**12), gains=st.lists(st.integers(1, 10**6), max_size=50))
def test_what_never_wraps_needs_no_span(start: int, gains: list[int]) -> None:
    total, raw, now = Accumulator(counter(span=None)), start, 0.0
    total.update(raw, now, now)
    for gain in gains:
        raw, now = raw + gain, now + 0.01
        total.update(raw, now, now)
    level = total.update(raw, now, now)
    assert (level.counts, level.breaks) == (raw - start, 0)


@given(before=st.integers(10**9, 2 * 10**11), after=st.integers(0, 10**8))
def test_a_reset_is_not_taken_for_a_wrap(before: int, after: int) -> None:
    total = Accumulator(counter(span=262_143_328_850))
    total.update(before, 0.0, 0.0)
    level = total.update(after, 1.0, 1.0)
    assert (level.counts, level.breaks) == (0, 1)
    assert "reset" in level.trouble
    onwards = total.update(after + 500, 1.001, 1.001)
    assert (onwards.counts, onwards.breaks) == (500, 1)


def test_one_that_never_wraps_may_not_go_backwards() -> None:
    total = Accumulator(counter(span=None))
    total.update(5000, 0.0, 0.0)
    level = total.update(4999, 0.1, 0.1)
    assert (level.counts, level.breaks) == (0, 1)
    assert "backwards" in level.trouble


def test_silence_in_which_a_wrap_may_hide_is_not_believed() -> None:
    total = Accumulator(counter(span=2_000_000, most_watts=1.0))
    total.update(0, 0.0, 0.0)
    assert total.update(1_000_000, 1.9, 1.9).breaks == 0
    level = total.update(1_000_001, 4.0, 4.0)
    assert level.breaks == 1
    assert "unseen" in level.trouble


def test_a_late_look_does_not_make_a_gain_too_fast() -> None:
    """A thread that is held up between clock and counter finds more than its clock explains."""
    total = Accumulator(counter(most_watts=100.0))
    total.update(0, 0.0, 0.0)
    total.update(1, 0.1, 5.0)  # read at once, dated late
    assert total.update(450_000_000, 5.0, 5.1).breaks == 0


def test_one_that_stands_still_is_not_believed() -> None:
    total = Accumulator(counter())
    total.update(7, 0.0, 0.0)
    assert total.update(7, 0.4, 0.4).breaks == 0
    level = total.update(7, 1.1, 1.1)
    assert level.breaks == 1
    assert "stood still" in level.trouble


def test_a_failed_look_loses_nothing() -> None:
    values: list[int | None] = [100, None, 350]

    def read() -> int:
        value = values.pop(0)
        if value is None:
            raise ReadingLost("gone")
        return value

    total = Accumulator(counter(read))
    total.look()
    with pytest.raises(ReadingLost, match="gone"):
        total.look()
    assert total.look().counts == 250


def test_threads_share_one_sum() -> None:
    raw = iter(range(10**9))

    def read() -> int:
        value = next(raw) % 97
        time.sleep(0)  # let another thread overtake
        return value

    total = Accumulator(counter(read, span=97, unit=1.0))
    first = total.look()
    seen: list[list[int]] = [[] for _ in range(4)]

    def look(mine: list[int]) -> None:
        for _ in range(500):
            mine.append(total.look().counts)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=look, args=(mine,)) for mine in seen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert total.look().counts == first.counts + 4 * 500 + 1
    assert all(mine == sorted(mine) for mine in seen)
    assert sorted(count for mine in seen for count in mine) == list(range(1, 2001))


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

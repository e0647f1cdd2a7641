"""Counters are added up exactly, and what cannot be believed breaks the sum."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meter.virtual_time import UNIT, counter

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.counter.accumulator import Accumulator

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
    total.update_now()
    with pytest.raises(ReadingLost, match="gone"):
        total.update_now()
    assert total.update_now().counts == 250


def test_threads_share_one_sum() -> None:
    raw = iter(range(10**9))

    def read() -> int:
        value = next(raw) % 97
        time.sleep(0)  # let another thread overtake
        return value

    total = Accumulator(counter(read, span=97, unit=1.0))
    first = total.update_now()
    seen: list[list[int]] = [[] for _ in range(4)]

    def look(mine: list[int]) -> None:
        for _ in range(500):
            mine.append(total.update_now().counts)

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
    assert total.update_now().counts == first.counts + 4 * 500 + 1
    assert all(mine == sorted(mine) for mine in seen)
    assert sorted(count for mine in seen for count in mine) == list(range(1, 2001))

"""What a first look at a counter finds, and how that is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.meter import ReadingLost
from energy_sweep.meter.counter.selfcheck import (
    Check,
    check_counter,
    check_power,
    load_check,
    load_or_check,
)
from energy_sweep.meter.counter.source import Counter

FOUND = Check(tick_seconds=0.1, seconds=3.0, idle_watts=60.0)


def counter(read: Callable[[], int], **facts: float) -> Counter:
    settings = {"joules_per_count": 1e-3, "tick_seconds": 0.1, **facts}
    return Counter(domain="gpu:0", label="the counter of a test", read=read, **settings)  # pyright: ignore


def steady(watts: float, tick: float) -> Callable[[], int]:
    """A counter (mJ) that gains `watts`, in ticks."""
    return lambda: round(1000 * watts * math.floor(time.monotonic() / tick) * tick)


@pytest.fixture(name="cache")
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("tick", [0.02, 0.1])
def test_ticks_and_idle_watts_are_measured(tick: float) -> None:
    found = check_counter(counter(steady(80.0, tick), tick_seconds=7.0), seconds=0.6)
    assert found.tick_seconds == pytest.approx(tick, rel=0.5)
    assert found.idle_watts == pytest.approx(80.0, rel=0.3)
    assert 0.6 <= found.seconds < 5.0
    assert found.counter_over_power is None
    assert not found.doubtful


def test_a_counter_that_wraps_is_followed() -> None:
    span = 4000
    read = steady(80.0, 0.02)
    wrapping = Counter(
        domain="cpu:0",
        label="the counter of a test",
        read=lambda: read() % span,
        joules_per_count=1e-3,
        tick_seconds=0.02,
        span=span,
        most_watts=100.0,
    )
    with pytest.raises(ReadingLost, match="may have begun again"):
        check_counter(wrapping, seconds=0.5)
    wide = Counter(
        domain="cpu:0",
        label="the counter of a test",
        read=lambda: read() % 40_000,
        joules_per_count=1e-3,
        tick_seconds=0.02,
        span=40_000,
        most_watts=20.0 / 0.5,
    )
    assert check_counter(wide, seconds=0.5).idle_watts == pytest.approx(80.0, rel=0.3)


@pytest.mark.parametrize(("scale", "doubtful"), [(1.0, False), (1.5, True), (0.6, True)])
@pytest.mark.no_cover
def test_a_counter_is_compared_with_the_power_beside_it(scale: float, doubtful: bool) -> None:
    found = check_counter(counter(steady(scale * 80.0, 0.05)), watts=lambda: 80.0, seconds=0.6)
    assert found.counter_over_power == pytest.approx(scale, rel=0.1)
    assert found.doubtful is doubtful


def test_power_of_zero_is_nothing_to_compare_with() -> None:
    found = check_counter(counter(steady(80.0, 0.02)), watts=lambda: 0.0, seconds=0.3)
    assert found.counter_over_power is None


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda: 5, "the counter of a test stands still"),
        (lambda: -round(1000 * time.monotonic()), "the counter of a test went backwards"),
    ],
    ids=["frozen", "backwards"],
)
def test_a_counter_that_cannot_be_believed_is_refused(read: Callable[[], int], says: str) -> None:
    with pytest.raises(ReadingLost, match=says):
        check_counter(counter(read), seconds=0.3)


def test_what_cannot_be_read_says_so_itself() -> None:
    def lost() -> int:
        raise ReadingLost("GPU-x was lost")

    with pytest.raises(ReadingLost, match="GPU-x was lost"):
        check_counter(counter(lost), seconds=0.3)


def test_power_alone_gives_idle_watts() -> None:
    found = check_power(lambda: 55.0, late_seconds=1.0, seconds=0.2)
    assert (found.idle_watts, found.tick_seconds) == (55.0, 1.0)


def test_a_check_is_made_once_for_each_key(cache: Path) -> None:
    made: list[str] = []

    def make(name: str) -> Check:
        made.append(name)
        return FOUND

    for name in ("a", "b", "a", "b", "a"):
        assert load_or_check({"uuid": name, "driver": "580"}, lambda name=name: make(name)) == FOUND
    assert made == ["a", "b"]
    assert load_check({"driver": "580", "uuid": "a"}) == FOUND
    assert load_check({"driver": "581", "uuid": "a"}) is None
    assert [path.suffix for path in (cache / "energy_sweep" / "checks").iterdir()] == [".json"] * 2


def test_what_is_not_to_be_kept_is_made_again(cache: Path) -> None:
    made = [load_or_check({"key": 1}, lambda: FOUND, keep=lambda check: False) for _ in range(2)]
    assert made == [FOUND, FOUND]
    assert load_check({"key": 1}) is None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"tick_seconds": 0, "seconds": 3}',
        b'{"tick_seconds": "fast", "seconds": 3}',
        b'{"tick_seconds": NaN, "seconds": 3}',
        b'{"tick_seconds": 0.1, "seconds": 3, "idle_watts": -4}',
    ],
)
def test_a_damaged_check_is_made_again(cache: Path, damage: bytes) -> None:
    load_or_check({"key": 1}, lambda: FOUND)
    (path,) = (cache / "energy_sweep" / "checks").iterdir()
    path.write_bytes(damage)
    other = Check(tick_seconds=0.2, seconds=3.0)
    assert load_or_check({"key": 1}, lambda: other) == other
    assert load_check({"key": 1}) == other


def test_a_folder_that_cannot_be_written_is_done_without(cache: Path) -> None:
    (cache / "energy_sweep").write_text("a file where a folder should be")
    assert load_or_check({"key": 1}, lambda: FOUND) == FOUND
    assert load_check({"key": 1}) is None


@given(
    tick=st.floats(1e-6, 10),
    seconds=st.floats(0.1, 100),
    idle=st.none() | st.floats(0, 1e4),
    ratio=st.none() | st.floats(0, 10),
)
def test_what_is_kept_is_what_was_found(
    tmp_path_factory: pytest.TempPathFactory,
    tick: float,
    seconds: float,
    idle: float | None,
    ratio: float | None,
) -> None:
    check = Check(
        tick_seconds=tick, seconds=seconds, idle_with_context_watts=idle, counter_over_power=ratio
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        assert load_or_check({"key": [1, "b"]}, lambda: check) == check
        assert load_check({"key": [1, "b"]}) == check

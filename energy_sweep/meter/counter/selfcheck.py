"""A first look at a counter: how long its ticks are, what idles there, and whether to believe it.

It takes about 3 s, once: what was found is kept in the user's cache folder.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from energy_sweep.meter.base import ReadingLost
from energy_sweep.meter.counter.accumulator import Accumulator, Counter, Level
from energy_sweep.record import digest, from_json, to_json
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.user_folders import cache_folder

# A counter and the power beside it differ by more than this on boards where one of them is wrong.
MOST_DISAGREEMENT = 0.15
# So many ticks give their length; after them there are fewer looks, which would cost joules.
TICKS = 20
LOOKS_PER_TICK = 20
FIRST_PAUSE_SECONDS = 1e-4
CALM_PAUSE_SECONDS = 2e-3
POWER_PERIOD_SECONDS = 0.1
# Of what is kept; a kept check of another version is made again.
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was seen of a counter in `seconds`; `counter_over_power` should be 1.

    `idle_with_context_watts` are those of a GPU that holds a CUDA context and does nothing. None
    is what could not be seen.
    """

    tick_seconds: float
    seconds: float
    idle_watts: float | None = None
    idle_with_context_watts: float | None = None
    counter_over_power: float | None = None

    @property
    def doubtful(self) -> bool:
        """Whether the counter and the power beside it tell two stories."""
        ratio = self.counter_over_power
        return ratio is not None and abs(ratio - 1) > MOST_DISAGREEMENT


def check_counter(
    counter: Counter, *, watts: Callable[[], float] | None = None, seconds: float = 3.0
) -> Check:
    """Watch a counter for a while, beside `watts` of the same domain; what runs meanwhile counts.

    Raises ReadingLost where it stands still, is reset, or cannot be read.
    """
    # Its ticks are not known yet, so it may stand still for as long as it is watched.
    total = Accumulator(replace(counter, tick_seconds=seconds))
    first = last = total.update_now()
    moves: list[Level] = []
    powers: list[tuple[Level, float]] = []
    while last.seconds - first.seconds < seconds:
        time.sleep(_pause(moves))
        level = total.update_now()
        if level.breaks:
            raise ReadingLost(f"{counter.label} {level.trouble}")
        if level.counts != last.counts:
            moves.append(level)
            due = not powers or level.seconds - powers[-1][0].seconds >= POWER_PERIOD_SECONDS
            if watts is not None and due:
                powers.append((level, watts()))
        last = level
    if len(moves) < 2:
        raise ReadingLost(f"{counter.label} stands still")
    return Check(
        tick_seconds=statistics.median(_gaps(moves[: TICKS + 1])),
        seconds=last.seconds - first.seconds,
        idle_watts=_watts(counter, moves[TICKS:] if len(moves) > TICKS + 1 else moves),
        counter_over_power=_ratio(counter, powers),
    )


def check_power(watts: Callable[[], float], *, late_seconds: float, seconds: float = 1.0) -> Check:
    """Watch the power of a domain that has no counter; raises ReadingLost as `watts` does."""
    first = last = time.monotonic()
    samples = [watts()]
    while last - first < seconds:
        time.sleep(POWER_PERIOD_SECONDS)
        samples.append(watts())
        last = time.monotonic()
    return Check(
        tick_seconds=late_seconds, seconds=last - first, idle_watts=statistics.fmean(samples)
    )


def load_or_check(
    key: Mapping[str, Any],
    make: Callable[[], Check],
    *,
    keep: Callable[[Check], bool] = lambda _: True,
) -> Check:
    """The check kept for `key`, or else that of `make`, kept where `keep` and the folder allow."""
    check = load_check(key)
    if check is None:
        check = make()
        path = _path(key)
        if path is not None and keep(check):
            with suppress(OSError):
                write_whole(path, json.dumps(to_json(check)), durable=False)
    return check


def load_check(key: Mapping[str, Any]) -> Check | None:
    """The check kept for `key`; None where there is none, or a damaged one."""
    path = _path(key)
    if path is not None:
        with suppress(OSError, ValueError, TypeError, AttributeError):
            return _read(path)
    return None


def _pause(moves: list[Level]) -> float:
    """Seconds until the next look: short enough to time the first ticks, then no longer so."""
    if len(moves) < 2:
        return FIRST_PAUSE_SECONDS
    pause = min(_gaps(moves[: TICKS + 1])) / LOOKS_PER_TICK
    return pause if len(moves) <= TICKS else max(pause, CALM_PAUSE_SECONDS)


def _gaps(moves: list[Level]) -> list[float]:
    return [after.seconds - before.seconds for before, after in itertools.pairwise(moves)]


def _watts(counter: Counter, moves: list[Level]) -> float:
    gained = (moves[-1].counts - moves[0].counts) * counter.joules_per_count
    return gained / (moves[-1].seconds - moves[0].seconds)


def _ratio(counter: Counter, powers: list[tuple[Level, float]]) -> float | None:
    """Joules of the counter over those of its power by the trapezoid rule."""
    joules = sum(
        (before[1] + after[1]) / 2 * (after[0].seconds - before[0].seconds)
        for before, after in itertools.pairwise(powers)
    )
    if joules <= 0:
        return None
    counted = (powers[-1][0].counts - powers[0][0].counts) * counter.joules_per_count
    return counted / joules


def _path(key: Mapping[str, Any]) -> Path | None:
    """Where a check is kept; None where the user has no folder."""
    name = digest({"version": VERSION, "key": to_json(key)})[:32]
    with suppress(RuntimeError):
        return cache_folder() / "checks" / f"{name}.json"
    return None


def _read(path: Path) -> Check:
    """Raises ValueError, TypeError or AttributeError where the file is damaged."""
    plain = cast("dict[str, Any]", json.loads(read_file(path)))
    check = from_json(Check, plain)
    numbers = (check.tick_seconds, check.seconds)
    others = (check.idle_watts, check.idle_with_context_watts, check.counter_over_power)
    if not all(0 < n < math.inf for n in numbers):
        raise ValueError(f"{path}: no length of time")
    if not all(n is None or 0 <= n < math.inf for n in others):
        raise ValueError(f"{path}: no watts")
    return check

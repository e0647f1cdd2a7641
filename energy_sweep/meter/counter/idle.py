"""Ticks of the CPU's counters, and what they count while the machine idles."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from energy_sweep.meter.contention import CONTENDED_SHARE
from energy_sweep.meter.counter.selfcheck import Check, check_counter, load_or_check
from energy_sweep.meter.counter.source import Counter
from energy_sweep.meter.process import busy_seconds

# How long to see whether the machine is quiet and then how it idles; and how long to look at the
# ticks of one that is not.
QUIET_SECONDS, IDLE_SECONDS, TICKS_SECONDS = 0.2, 3.0, 0.3


T = TypeVar("T")


class _MachineBusy(Exception):
    """The machine works, so what it draws when it does not cannot be seen."""


def check_counters(counters: Sequence[Counter], machine: Mapping[str, Any]) -> list[Counter]:
    """The counters with their ticks and idle watts, which are kept for `machine`.

    Those of a machine that is busy are left unknown, and not kept. Raises ReadingLost where a
    counter stands still.
    """

    def check(counter: Counter) -> Counter:
        return _apply_check(counter, _check(counter, machine))

    with ThreadPoolExecutor(len(counters)) as pool:  # all in the same few seconds
        return list(pool.map(check, counters))


def recall_checks(counters: Sequence[Counter], machine: Mapping[str, Any]) -> list[Counter]:
    """The counters with what was seen before, without looking."""
    found: list[Counter] = []
    for counter in counters:
        try:
            found.append(_apply_check(counter, load_or_check(_key(counter, machine), _refuse)))
        except _MachineBusy:
            found.append(counter)
    return found


def _apply_check(counter: Counter, check: Check) -> Counter:
    return replace(counter, tick_seconds=check.tick_seconds, idle_watts=check.idle_watts)


def _check(counter: Counter, machine: Mapping[str, Any]) -> Check:
    try:
        return load_or_check(_key(counter, machine), lambda: _idle(counter))
    except _MachineBusy:
        return replace(check_counter(counter, seconds=TICKS_SECONDS), idle_watts=None)


def _idle(counter: Counter) -> Check:
    _while_quiet(lambda: time.sleep(QUIET_SECONDS))
    return _while_quiet(lambda: check_counter(counter, seconds=IDLE_SECONDS))


def watch_quiet(watch: Callable[[], T]) -> tuple[T, bool]:
    """What `watch` gives, and whether the processors were idle meanwhile."""
    start, busy = time.monotonic(), busy_seconds()
    seen = watch()
    seconds = (time.monotonic() - start) * (os.cpu_count() or 1)
    return seen, busy_seconds() - busy <= CONTENDED_SHARE * seconds


def _while_quiet(watch: Callable[[], T]) -> T:
    seen, quiet = watch_quiet(watch)
    if not quiet:
        raise _MachineBusy
    return seen


def _refuse() -> Check:
    raise _MachineBusy


def _key(counter: Counter, machine: Mapping[str, Any]) -> dict[str, Any]:
    return {**machine, "counter": counter.label, "span": counter.span}

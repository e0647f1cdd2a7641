"""Runs the trials of a command until nothing is left to run, here or at other workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from energy_sweep.search.events import Stop, Waiting

if TYPE_CHECKING:
    from energy_sweep.search.run_order import Job
    from energy_sweep.search.search_run import SearchRun

LOOK_SECONDS = 0.2  # between two looks at what other workers have ended
QUIET_SECONDS = 2.0  # waited before that is told


def drain(sweep: SearchRun, queue: Iterator[Job]) -> Stop:
    """Run what the queue gives, and what others left; gives why it ended."""
    if sweep.slots == 1:
        return _work(sweep, queue, threading.Event())
    return _in_slots(sweep, queue)


def _work(sweep: SearchRun, queue: Iterator[Job], ended: threading.Event) -> Stop:
    """Run one trial after the other, and wait for those of others, who may leave theirs."""
    since, is_told = time.monotonic(), False
    while not ended.is_set():
        with sweep.guard:
            found = sweep.next_assignment(queue)
            if found is None:
                if not is_told and time.monotonic() - since > QUIET_SECONDS:
                    sweep.tell(Waiting(tuple(one.number for one in sweep.trials.study.running())))
                    is_told = True
                sweep.guard.wait(LOOK_SECONDS)
                continue
        if isinstance(found, str):
            return found
        try:
            sweep.measure(*found)
        except BaseException:
            ended.set()
            raise
        since, is_told = time.monotonic(), False
    return "done"


def _in_slots(sweep: SearchRun, queue: Iterator[Job]) -> Stop:
    """The same in so many threads; what ends one ends all, once each has ended its trial."""
    ended = threading.Event()
    with ThreadPoolExecutor(sweep.slots, thread_name_prefix="slot") as pool:
        slots = [pool.submit(_work, sweep, queue, ended) for _ in range(sweep.slots)]
        left = set(slots)
        try:
            while left:
                # A moment at a time, since Ctrl-C would not be heard in a wait without end.
                done, left = wait(left, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for slot in done:
                    slot.result()  # raises what ended it
        except BaseException:
            ended.set()
            raise
    for slot in slots:
        stop = slot.result()
        if stop != "done":
            return stop
    return "done"

"""Waiting for a quiet machine before anything is measured, with the idle joules on the bill."""

from __future__ import annotations

import functools
import logging
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager

from energy_sweep.meter.base import Meter, Window, Work
from energy_sweep.meter.contention import Contention, ContentionMonitor
from energy_sweep.meter.process import ProcessTree
from energy_sweep.record import MeterFacts, StageRecord, digest
from energy_sweep.store import StageStore

log = logging.getLogger(__name__)

STAGE = "wait"
LOOK_SECONDS = 1.0
LONGEST_SECONDS = 600.0


def patient(meter: Meter, store: StageStore, *, below: float | None) -> Meter:
    """The meter, or with `below` one that waits for a quiet machine before every window."""
    return meter if below is None else WaitingMeter(meter, store, below=below)


class WaitingMeter:
    """Opens no window while other programs use more than `below` of all processors.

    What a pause costs is put into the store as a stage of its own. All pauses together last ten
    minutes at most. `look` tells what others did since it was last called.
    """

    def __init__(
        self,
        meter: Meter,
        store: StageStore,
        *,
        below: float,
        look: Callable[[], Contention] | None = None,
        look_seconds: float = LOOK_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._meter, self._store, self._below = meter, store, below
        self.turn = getattr(meter, "turn", None)  # of the meter that measures
        self._look = _watch_others() if look is None else look
        self._look_seconds, self._left_seconds = look_seconds, longest_seconds
        self._has_told = False

    def facts(self) -> MeterFacts:
        """The facts of the meter that measures."""
        return self._meter.facts()

    @contextmanager
    def window(self, work: Work) -> Generator[Window]:
        """A window of the meter that measures, once the machine is quiet."""
        if self._left_seconds > 0 and self._foreign() > self._below:
            self._pause()
        with self._meter.window(work) as window:
            yield window

    def close(self) -> None:
        """Close the meter that measures."""
        self._meter.close()

    def _foreign(self) -> float:
        return self._look().foreign.get("cpu", 0.0)

    def _pause(self) -> None:
        if not self._has_told:
            log.warning(
                "other programs use more than device.wait_below=%g of the processors: waiting",
                self._below,
            )
            self._has_told = True
        with self._meter.window(Work(stage=STAGE, images=0, parameters=0, label=STAGE)) as window:
            try:
                self._until_quiet()
            finally:
                key = digest([STAGE, uuid.uuid4().hex])
                marks = (window.mark(),)
                self._store.put(StageRecord(stage=STAGE, key=key, cost_key=key, marks=marks))

    def _until_quiet(self) -> None:
        while self._left_seconds > 0:
            seconds = min(self._look_seconds, self._left_seconds)
            time.sleep(seconds)
            self._left_seconds -= seconds
            if self._foreign() <= self._below:
                return
        log.warning("other programs are still busy: this trial is measured beside them")


@functools.lru_cache(maxsize=1)
def _watch_others() -> Callable[[], Contention]:
    """One look for all trials of a process, so that the first window has something to go by."""
    return ContentionMonitor(ProcessTree()).begin()

"""What a trial has used: work is done in windows here, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from energy_sweep.device import Device, OutOfMemory
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.turn import pass_turn_on
from energy_sweep.model.count import Count
from energy_sweep.record import JsonDict, Mark, StageRecord, StageUse, digest
from energy_sweep.store import StageStore


class TrialUsage:
    """The stages that a trial has `used`, and windows for work on the net of `size`."""

    def __init__(
        self, device: Device, *, meter: Meter, store: StageStore, size: Callable[[], Count]
    ) -> None:
        self.used: list[StageUse] = []
        self._device, self._meter, self._store, self._size = device, meter, store, size

    def work(self, stage: str, *, images: int) -> Work:
        """What a window is about to do, for meters that compute joules from it."""
        return Work(stage=stage, images=images, parameters=self._size().parameters, label=stage)

    def metered(self, use: StageUse, task: Callable[[], Any], *, images: int) -> StageRecord:
        """Do single-shot work inside a window of its own; OutOfMemory keeps what it cost."""
        peak = self._device.watch_memory()
        with self._meter.window(self.work(use.stage, images=images)) as window:
            try:
                with self._device.infeasible_out_of_memory():
                    task()
            except OutOfMemory as reason:
                self._keep_tried(use, window.mark(units=1, images=images), str(reason))
                raise
            mark: Mark = window.mark(units=1, images=images)
        facts: JsonDict = {"peak_device_memory_bytes": peak()}
        return StageRecord(
            stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,), facts=facts
        )

    def _keep_tried(self, use: StageUse, mark: Mark, reason: str) -> None:
        """Charge this trial with work that memory ran out in, in a pool that no other shares."""
        key = digest([use.key, "out of memory"])
        with self._store.alone(key, use.stage) as known:
            tried = StageRecord(
                stage=use.stage,
                key=key,
                cost_key=key,
                marks=(*(known.marks if known else ()), mark),
                facts={"infeasible": reason},
            )
            self._store.put(tried)
        self.used.append(replace(use, key=key, cost_key=key))

    def done(self, use: StageUse, *, units: float | None = None) -> None:
        """Count a stage as used by this trial, in full or only `units` of it.

        Ends the trial there if that was asked for, since a stage that is done is kept; else others
        may have their turn first.
        """
        self._store.notice.check()
        pass_turn_on()
        record = self._store.get(use.key)
        # What is stored may have been pooled under a former version's name.
        pool = use.cost_key if record is None else record.cost_key
        self.used.append(replace(use, cost_key=pool, units=use.units if units is None else units))

    def peak_memory_bytes(self) -> int | None:
        """The largest resident size at the edges of this trial's windows, where it was seen."""
        records = [self._store.get(use.key) for use in self.used]
        marks = [mark for record in records if record is not None for mark in record.marks]
        peaks = [mark.reading.peak_memory_bytes for mark in marks]
        return max((peak for peak in peaks if peak is not None), default=None)

"""A meter of all that a machine does, for watching: counters see it anyway, the estimate here."""

from __future__ import annotations

import os
from typing import Any

import psutil

from energy_sweep.meter.base import Meter
from energy_sweep.meter.choose import MeterRequest, open_auto
from energy_sweep.meter.contention import ContentionMonitor
from energy_sweep.meter.nvml import NvmlSource
from energy_sweep.meter.process import Edge, ProcessTree
from energy_sweep.meter.source import EnergySource, SourceMeter

BUSY_KINDS = ("user", "nice", "system", "irq", "softirq")
TICK_SECONDS = 0.01


class WholeMachine(ProcessTree):
    """Counters of every program, in place of those of one tree of processes.

    What a hypervisor gave to other virtual machines is not counted: no work of this one.
    """

    def edge(self) -> Edge:
        """Read everything now."""
        times = psutil.cpu_times()
        return Edge(
            cpu_seconds=sum(getattr(times, kind, 0.0) for kind in BUSY_KINDS),
            tick_seconds=TICK_SECONDS,
            resident_bytes=self.resident_bytes(),
        )

    def resident_bytes(self) -> int:
        """Bytes in use by programs."""
        return psutil.virtual_memory().used


class ObserverMeter(MeterRequest):
    """Opens meters that lock nothing: who only looks must not keep others from measuring."""

    def meter(self, *, cpu: EnergySource | None, gpu: NvmlSource | None, why: str = "") -> Meter:
        """A meter of these sources."""
        sources: list[EnergySource] = [source for source in (gpu, cpu) if source is not None]
        return SourceMeter(sources, resources=(), monitor=ContentionMonitor(self.tree), why=why)


def open_observer(**settings: Any) -> Meter:
    """What `meter=auto` takes, of the whole machine and all visible GPUs, for looking only."""
    job = ObserverMeter(threads=os.cpu_count() or 1, tree=WholeMachine())
    return open_auto(job=job, gpus="visible", **settings)

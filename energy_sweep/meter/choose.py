"""Which sources make a meter: those of its name, or the best for each part of the work."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy_sweep.hardware.cpu import cpu_packages
from energy_sweep.hardware.gpu import library_error
from energy_sweep.meter import rapl
from energy_sweep.meter.base import Meter, MeterUnavailable
from energy_sweep.meter.contention import ContentionMonitor
from energy_sweep.meter.estimate import EstimateSource
from energy_sweep.meter.estimate.watts import choose_watts
from energy_sweep.meter.nvml import NvmlSource, boards_to_read
from energy_sweep.meter.process import ProcessTree
from energy_sweep.meter.rapl import RaplSource
from energy_sweep.meter.source import EnergySource, SourceMeter
from energy_sweep.record import digest

Gpus = str | Sequence[str]

MACHINE_ID = Path("/etc/machine-id")


def board_id(uuids: Sequence[str]) -> str:
    """What tells these GPUs, or this machine, from others of their class, without naming them."""
    try:
        machine = MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine = ""
    return digest(sorted(uuids) or [machine or socket.gethostname()])[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRequest:
    """What a meter is opened for: GPUs by UUID, CPU threads, how to wait for queued work."""

    devices: Sequence[str] = ()
    threads: int = 1
    synchronize: Callable[[], None] | None = None
    tree: ProcessTree

    def meter(self, *, cpu: EnergySource | None, gpu: NvmlSource | None, why: str = "") -> Meter:
        """A meter of these sources, with the locks and the monitor that belong to them."""
        # The GPU first: its edges wait for a tick, which the CPU's then include.
        sources: list[EnergySource] = [source for source in (gpu, cpu) if source is not None]
        reads_cpu = cpu is not None or (gpu is not None and gpu.holds_processor)
        packages = [f"cpu-{package}" for package in cpu_packages()] if reads_cpu else []
        boards = [f"gpu-{uuid}" for uuid in gpu.uuids] if gpu is not None else []
        return SourceMeter(
            sources,
            resources=[*boards, *packages],
            monitor=ContentionMonitor(self.tree, gpu.foreign_load if gpu is not None else None),
            synchronize=self.synchronize,
            why=why,
            board=board_id(gpu.uuids if gpu is not None else ()),
        )

    def nvml(self, gpus: Gpus, mig: str, *, self_check: bool) -> NvmlSource | None:
        """The GPUs to read, None where there are none to read."""
        boards = boards_to_read(gpus, self.devices, mig=mig)
        return NvmlSource(boards, tree=self.tree, self_check=self_check) if boards else None


def open_auto(
    *,
    job: MeterRequest,
    gpus: Gpus = "work",
    mig: str = "refuse",
    powercap: str | Path = rapl.ROOT,
    self_check: bool = True,
    **watts: Any,
) -> Meter:
    """Counters where they can be read: NVML for GPUs, RAPL for the CPU, else its estimate.

    A board that is one module with a processor counts that too, and nothing is added to it.
    """
    choose_watts(**watts)  # wrong ones are told also where counters make them idle
    gpu, why = job.nvml(gpus, mig, self_check=self_check), ""
    if gpu is not None and gpu.holds_processor:
        return job.meter(cpu=None, gpu=gpu, why=gpu.holds_processor)
    try:
        cpu: EnergySource = RaplSource(powercap, self_check=self_check)
    except MeterUnavailable as missing:
        why = missing.why
        cpu = EstimateSource(tree=job.tree, threads=job.threads, **watts)
    return job.meter(cpu=cpu, gpu=gpu, why=why)


def open_nvml(
    *, job: MeterRequest, gpus: Gpus = "work", mig: str = "refuse", self_check: bool = True
) -> Meter:
    """GPUs only; the joules of the CPU are left out."""
    gpu = job.nvml(gpus, mig, self_check=self_check)
    if gpu is None:
        raise MeterUnavailable(
            f"meter=nvml reads GPUs, and {library_error() or 'this work runs on none'}: type"
            " meter=auto, or meter.gpus=visible to read GPUs that others work on"
        )
    return job.meter(cpu=None, gpu=gpu)


def open_rapl(
    *, job: MeterRequest, powercap: str | Path = rapl.ROOT, self_check: bool = True
) -> Meter:
    """CPU packages and their memory only."""
    _refuse_gpus(job, "rapl")
    return job.meter(cpu=RaplSource(powercap, self_check=self_check), gpu=None)


def open_estimate(*, job: MeterRequest, **watts: Any) -> Meter:
    """The estimate, whatever counters there are."""
    _refuse_gpus(job, "estimate")
    return job.meter(cpu=EstimateSource(tree=job.tree, threads=job.threads, **watts), gpu=None)


def _refuse_gpus(job: MeterRequest, name: str) -> None:
    if job.devices:
        raise MeterUnavailable(
            f"meter={name} would leave out the joules of the GPU that the work runs on: type"
            " meter=auto, or device=cpu"
        )


OPENERS: dict[str, Callable[..., Meter]] = {
    "auto": open_auto,
    "nvml": open_nvml,
    "rapl": open_rapl,
    "estimate": open_estimate,
}

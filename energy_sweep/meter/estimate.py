"""Joules from CPU seconds and memory, for machines without an energy counter: always an estimate.

    joules = watts per core x CPU seconds  +  watts per GiB x GiB x CPU seconds per thread

CPU seconds, and not wall seconds, since those follow what other people run. The raw terms are
stored with every reading, so `reprice` can apply other watts later without running anything.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from energy_sweep.meter.base import Lap, Probe, Window, Work, exclusive_window
from energy_sweep.meter.lock import WindowLock, cpu_packages
from energy_sweep.meter.process import OWN_TICK_SECONDS, Edge, ProcessTree, contended
from energy_sweep.record import BadInput, DomainEnergy, EnergyReading, MeterFacts, Quality

SOURCE = "estimate"
DOMAINS = ("cpu", "memory")
GIB = 2**30

# An increment over idle per busy logical CPU: Cloud Carbon Footprint derives 2.76 W (AWS),
# 2.98 W (Azure) and 3.55 W (GCP); Green Algorithms takes 12 W for a core of unknown make.
CPU_WATTS_PER_CORE = 3.0
CPU_WATTS_BAND = (2.8, 12.0)
# Green Algorithms has 0.3725 W per GB, Cloud Carbon Footprint 0.392.
MEMORY_WATTS_PER_GIB = 0.3725

# Measured on 2026-11-21 on a 2-CPU virtual machine (AMD EPYC, KVM) by equal training work of
# 0.087 CPU seconds a mark, 60 marks a process, one process after the other: 24 processes beside
# light work of others and 11 beside a full machine (8 % more CPU seconds). Relative, 95 %:
#   one process: marks 23 %, windows of 1 s 15 %; process means 19 % (beside a full machine 15 %);
#   one window of 1 s per process 19 % to 21 %; processes taking turns, mark by mark: 6 %.
# So what separates two runs is mostly their moment (neighbours on the host), which neither longer
# windows nor the CPU clock take away. With a run within 20 % of its mean, 19 times of 20, two runs
# are within sqrt(2) x 20 % of each other. Both constants together held 92 % to 99 % of the
# differences between equal windows of 0.09 to 2 CPU seconds in two processes.
MARK_NOISE = 0.09  # of one mark, times the root of its CPU seconds
REPEATABILITY = 0.28  # the limit between two runs of the program (ISO 5725)


class EstimateMeter:
    """Estimates the joules of this process and its children.

    `cpu_tdp_w` is the thermal design power of all sockets; where given, it is spread over the
    logical CPUs and takes the place of `cpu_watts_per_core`. Memory is charged above the resident
    size at the time the meter is made. `threads` share the work; `synchronize` waits for queued
    work at both edges of a mark.
    """

    def __init__(
        self,
        *,
        cpu_watts_per_core: float = CPU_WATTS_PER_CORE,
        memory_watts_per_gib: float = MEMORY_WATTS_PER_GIB,
        cpu_tdp_w: float | None = None,
        threads: int = 1,
        synchronize: Callable[[], None] | None = None,
    ) -> None:
        if cpu_tdp_w is not None:
            cpu_watts_per_core = _positive("cpu_tdp_w", cpu_tdp_w) / (os.cpu_count() or 1)
        self.coefficients = {
            "cpu_watts_per_core": _positive("cpu_watts_per_core", cpu_watts_per_core),
            "memory_watts_per_gib": _positive("memory_watts_per_gib", memory_watts_per_gib),
        }
        self._threads = threads
        self._synchronize = synchronize
        self._tree = ProcessTree()
        self._base_bytes = self._tree.edge().resident_bytes
        self._lock = WindowLock([f"cpu-{package}" for package in cpu_packages()])

    def facts(self) -> MeterFacts:
        """What is common to all readings; the scale band is the one of the CPU watts."""
        watts = self.coefficients["cpu_watts_per_core"]
        low, high = CPU_WATTS_BAND
        return MeterFacts(
            sources=(SOURCE,),
            domains=DOMAINS,
            quality=Quality.ESTIMATED,
            scale_band=(min(low / watts, 1.0), max(high / watts, 1.0)),
            coefficients=self.coefficients,
            repeatability=REPEATABILITY,
        )

    def window(self, work: Work) -> AbstractContextManager[Window]:
        """Measure the body of a `with`, alone on its CPU packages."""
        return exclusive_window(work, self._start, self._lock.held())

    def close(self) -> None:
        """Nothing is held between windows."""

    def _start(self) -> Lap:
        opened = last = self._edge()

        def lap(work: Work) -> EnergyReading:
            nonlocal last
            start, last = last, self._edge()
            verdict = contended(start, last)
            # A mark too short to tell is judged by the window so far.
            verdict = contended(opened, last) if verdict is None else verdict
            return replace(self._reading(start, last), contended=verdict)

        return lap

    def _edge(self) -> Edge:
        if self._synchronize is not None:
            self._synchronize()
        return self._tree.edge()

    def _reading(self, start: Edge, end: Edge) -> EnergyReading:
        cpu_seconds = max(end.cpu_seconds - start.cpu_seconds, 0.0)
        resident = (start.resident_bytes + end.resident_bytes) / 2
        gib = max(resident - self._base_bytes, 0.0) / GIB
        terms = {
            "cpu_seconds": cpu_seconds,
            "gib_cpu_seconds": gib * cpu_seconds / self._threads,
        }
        tick = max(start.tick_seconds, end.tick_seconds)
        return EnergyReading(
            domains=_domains(terms, self.coefficients, noise=_mark_noise(cpu_seconds, tick)),
            seconds=end.seconds - start.seconds,
            terms=terms,
            peak_memory_bytes=max(start.resident_bytes, end.resident_bytes),
        )


def reprice(reading: EnergyReading, coefficients: Mapping[str, float]) -> EnergyReading:
    """The reading under other watts; one that is not an estimate comes back as it is."""
    if {part.source for part in reading.domains} != {SOURCE}:
        return reading
    noise = max(p.uncertainty_joules / p.joules if p.joules else 0.0 for p in reading.domains)
    return replace(reading, domains=_domains(reading.terms, coefficients, noise=noise))


def probe() -> Probe:
    """What the estimate says of itself; it works everywhere."""
    meter = EstimateMeter()
    facts = meter.facts()
    return Probe(
        source=SOURCE,
        usable=True,
        quality=Quality.ESTIMATED,
        domains=DOMAINS,
        why="watts per core x CPU seconds, and watts per GiB of memory: modelled, not measured",
        remedy="better watts: type meter.cpu_watts_per_core=W or meter.cpu_tdp_w=W",
        resolution_seconds=OWN_TICK_SECONDS,
        details={
            **meter.coefficients,
            "scale_band": list(facts.scale_band),
            "repeatability": facts.repeatability,
        },
    )


def _domains(
    terms: Mapping[str, float], coefficients: Mapping[str, float], *, noise: float
) -> tuple[DomainEnergy, ...]:
    cpu = coefficients["cpu_watts_per_core"] * terms["cpu_seconds"]
    memory = coefficients["memory_watts_per_gib"] * terms["gib_cpu_seconds"]
    return tuple(
        DomainEnergy(
            domain=name,
            joules=joules,
            uncertainty_joules=joules * noise,
            source=SOURCE,
            quality=Quality.ESTIMATED,
        )
        for name, joules in zip(DOMAINS, (cpu, memory), strict=True)
    )


def _mark_noise(cpu_seconds: float, tick_seconds: float) -> float:
    """Relative 95 % noise of one mark that is independent of other marks; 0 for no CPU seconds."""
    if cpu_seconds <= 0:
        return 0.0
    return math.hypot(MARK_NOISE / math.sqrt(cpu_seconds), tick_seconds / cpu_seconds)


def _positive(name: str, value: object) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not (number > 0 and math.isfinite(number)):
        raise BadInput(f"meter.{name}={value}: type a number of watts above 0")
    return float(number)

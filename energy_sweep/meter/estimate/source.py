"""Joules from CPU seconds and memory, for machines without an energy counter: always an estimate.

    joules = watts per core x CPU seconds  +  watts per GiB x GiB x CPU seconds per thread

CPU seconds, and not wall seconds, since those follow what other people run. The raw terms are
stored with every reading, so `reprice` can apply other watts later without running anything.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from energy_sweep.meter.base import Probe
from energy_sweep.meter.estimate.watts import CPU_WATTS_PER_CORE, MEMORY_WATTS_PER_GIB, choose_watts
from energy_sweep.meter.process import OWN_TICK_SECONDS, Edge, ProcessTree
from energy_sweep.meter.source import EdgeReading, SourceReading
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality

SOURCE = "estimate"
DOMAINS = ("cpu", "memory")
GIB = 2**30

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


class EstimateSource:
    """Estimates the joules of a process tree; for its watts see `choose_watts`.

    Memory is charged above the resident size at the time the source is made. `threads` share the
    work.
    """

    def __init__(
        self,
        *,
        tree: ProcessTree,
        cpu_watts_per_core: float = CPU_WATTS_PER_CORE,
        memory_watts_per_gib: float = MEMORY_WATTS_PER_GIB,
        cpu_tdp_w: float | None = None,
        calibration: str | None = None,
        threads: int = 1,
    ) -> None:
        self._watts = choose_watts(
            cpu_watts_per_core=cpu_watts_per_core,
            memory_watts_per_gib=memory_watts_per_gib,
            cpu_tdp_w=cpu_tdp_w,
            calibration=calibration,
        )
        self.coefficients = self._watts.coefficients
        self._threads = threads
        self._tree = tree
        self._base_bytes = tree.resident_bytes()

    def facts(self) -> MeterFacts:
        """What is common to all readings; the scale band is the one of the CPU watts."""
        return MeterFacts(
            sources=(SOURCE,),
            domains=DOMAINS,
            quality=Quality.ESTIMATED,
            scale_band=self._watts.scale_band,
            coefficients=self.coefficients,
            repeatability=REPEATABILITY,
            tick_seconds=OWN_TICK_SECONDS,
            details={SOURCE: self._watts.origin},
        )

    @contextmanager
    def begin(self) -> Generator[EdgeReading]:
        """Joules since the last call, from what the process tree used."""
        last = self._tree.edge()

        def read() -> SourceReading:
            nonlocal last
            start, last = last, self._tree.edge()
            return self._part(start, last)

        yield read

    def close(self) -> None:
        """Nothing is held between windows."""

    def _part(self, start: Edge, end: Edge) -> SourceReading:
        cpu_seconds = max(end.cpu_seconds - start.cpu_seconds, 0.0)
        resident = (start.resident_bytes + end.resident_bytes) / 2
        gib = max(resident - self._base_bytes, 0.0) / GIB
        terms = {
            "cpu_seconds": cpu_seconds,
            "gib_cpu_seconds": gib * cpu_seconds / self._threads,
        }
        noise = _mark_noise(cpu_seconds, max(start.tick_seconds, end.tick_seconds))
        return SourceReading(domains=_domains(terms, self.coefficients, noise=noise), terms=terms)


def reprice(reading: EnergyReading, coefficients: Mapping[str, float]) -> EnergyReading:
    """The reading with its estimated domains under other watts; counted joules stay."""
    estimated = [part for part in reading.domains if part.source == SOURCE]
    if not estimated:
        return reading
    noise = max(p.uncertainty_joules / p.joules if p.joules else 0.0 for p in estimated)
    priced = {p.domain: p for p in _domains(reading.terms, coefficients, noise=noise)}
    return replace(reading, domains=tuple(priced.get(p.domain, p) for p in reading.domains))


def probe() -> Probe:
    """What the estimate says of itself; it works everywhere."""
    source = EstimateSource(tree=ProcessTree())
    facts = source.facts()
    return Probe(
        source=SOURCE,
        usable=True,
        quality=Quality.ESTIMATED,
        domains=DOMAINS,
        why="watts per core x CPU seconds, and watts per GiB of memory: modelled, not measured",
        remedy="better watts: type energy-sweep meters --calibrate, or meter.cpu_watts_per_core=W",
        tick_seconds=OWN_TICK_SECONDS,
        details={
            **source.coefficients,
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

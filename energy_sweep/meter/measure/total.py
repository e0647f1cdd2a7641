"""Readings of one window as one: what its marks cost together, and what their threads share."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from energy_sweep.meter.estimate import reprice
from energy_sweep.record import DomainEnergy, EnergyReading, Quality
from energy_sweep.uncertainty.propagation import chain_edge, spread_joules


def total(readings: Sequence[EnergyReading]) -> EnergyReading:
    """One reading of the marks of one window, which follow each other without a gap."""
    terms: defaultdict[str, float] = defaultdict(float)
    foreign: defaultdict[str, float] = defaultdict(float)
    seconds = math.fsum(reading.seconds for reading in readings)
    for reading in readings:
        for name, value in reading.terms.items():
            terms[name] += value
        for name, share in reading.foreign.items():
            foreign[name] += share * reading.seconds / seconds if seconds > 0 else 0.0
    verdicts = {reading.contended for reading in readings} - {None}
    peaks = [r.peak_memory_bytes for r in readings if r.peak_memory_bytes is not None]
    return EnergyReading(
        domains=tuple(map(_sum, zip(*(r.domains for r in readings), strict=True))),
        seconds=seconds,
        started=readings[0].started,
        terms=dict(terms),
        contended=any(verdicts) if verdicts else None,
        foreign=dict(foreign),
        peak_memory_bytes=max(peaks, default=None),
    )


def _sum(parts: Sequence[DomainEnergy]) -> DomainEnergy:
    edge = chain_edge([part.edge_joules for part in parts])
    return replace(
        parts[0],
        joules=math.fsum(part.joules for part in parts),
        uncertainty_joules=spread_joules(parts, edge),
        edge_joules=edge,
        quality=Quality.worst(part.quality for part in parts),
    )


def per_busy_thread(reading: EnergyReading, coefficients: Mapping[str, float]) -> EnergyReading:
    """An estimate whose memory is charged for 1 thread, charged for those that were busy.

    Several threads hold the same memory for as long as each of them runs.
    """
    cpu_seconds = reading.terms.get("cpu_seconds", 0.0)
    if cpu_seconds <= reading.seconds:
        return reading
    held = reading.terms["gib_cpu_seconds"] * reading.seconds / cpu_seconds
    terms = {**reading.terms, "gib_cpu_seconds": held}
    return reprice(replace(reading, terms=terms), coefficients)

"""What happens to the errors of readings when their joules are added up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from energy_sweep.record import DomainEnergy, EnergyReading

# Edges that are closer than this are one edge: Unix seconds are kept to about a microsecond.
SAME_EDGE_SECONDS = 1e-4


def edges_joules(readings: Iterable[EnergyReading]) -> float:
    """95 % uncertainty of the sum of readings from where their edges fall between ticks."""
    return math.hypot(
        *(chain_edge([r.edge_joules for r in chain]) for chain in consecutive_runs(readings))
    )


def chain_edge(edges: Sequence[float]) -> float:
    """The edge error of the sum of readings that follow each other without a gap.

    What one has too much at an edge, the next has too little, so only the two outer edges are
    left: the error of one reading, here of a mean one.
    """
    return math.hypot(*edges) / math.sqrt(len(edges))


def spread_joules(parts: Iterable[DomainEnergy], edge: float) -> float:
    """95 % uncertainty of the sum of parts, whose outer edges are off by `edge` joules.

    What a counter is off beside its edges is what the device idled while they waited for ticks:
    in every reading too much, so it adds up. The noise of an estimate is another one in each.
    """
    parts = list(parts)
    waiting = (p.uncertainty_joules - p.edge_joules for p in parts if p.edge_joules)
    noise = (p.uncertainty_joules for p in parts if not p.edge_joules)
    return math.hypot(edge + math.fsum(waiting), *noise)


def consecutive_runs(readings: Iterable[EnergyReading]) -> list[list[EnergyReading]]:
    """Readings in the order of time, apart where one does not begin as the one before ends."""
    chains: list[list[EnergyReading]] = []
    end = None
    for reading in sorted(readings, key=lambda reading: reading.started or 0.0):
        if end is None or reading.started is None or abs(reading.started - end) > SAME_EDGE_SECONDS:
            chains.append([])
        chains[-1].append(reading)
        end = None if reading.started is None else reading.started + reading.seconds
    return chains

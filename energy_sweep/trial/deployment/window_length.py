"""How many marks a window of inference has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from energy_sweep.record import Mark
from energy_sweep.uncertainty.propagation import edges_joules

CHUNKS = (2, 6)  # marks of a window
# Marks of one window are alike (front.pools.ALIKE), and half of their noise belongs to the run: of
# three windows, 2 marks each leave a price as sure as 6 but for a tenth. So beyond this many only
# what the edges leave open is worth more.
ENOUGH_CHUNKS = 3
RELATIVE_TARGET = 0.02


def per_unit(marks: Sequence[Mark]) -> list[float]:
    return [mark.reading.joules / mark.units for mark in marks]


def is_resolved(marks: Sequence[Mark], *, brief: bool = False) -> bool:
    """Whether the mean is within the target, or what is left is not worth more marks."""
    least, enough = (1, 1) if brief else (CHUNKS[0], ENOUGH_CHUNKS)
    if not least <= len(marks) < CHUNKS[1]:
        return len(marks) >= CHUNKS[1]
    values = np.array(per_unit(marks))
    most = RELATIVE_TARGET * float(values.mean())
    edges = edges_joules(mark.reading for mark in marks) / sum(mark.units for mark in marks)
    if len(marks) >= enough or edges > most:
        return edges <= most
    spread = 2 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return math.hypot(spread, edges) <= most

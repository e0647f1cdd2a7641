"""The first candidates to measure, before anything is believed: spread out, and short."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORT = 1 / 3  # of the candidates, those that train the fewest epochs


def spread_out(features: Floats, epochs: Floats, count: int) -> list[int]:
    """So many of N candidates, each far from those before it; those that train little first.

    `features` [N, D] lie between 0 and 1, `epochs` [N] are what each trains. The same for the same
    arguments, and the beginning of what a larger count gives.
    """
    short = np.flatnonzero(epochs <= np.quantile(epochs, SHORT))
    chosen = list[int]()
    for among in (short, np.arange(len(epochs))):
        left = [int(row) for row in among if row not in chosen]
        while left and len(chosen) < count:
            rows = features[left]
            apart = -np.abs(rows - 0.5).sum(axis=1)
            if chosen:
                apart = np.min(((rows[:, None] - features[chosen][None]) ** 2).sum(axis=2), axis=1)
            chosen.append(left.pop(int(np.argmax(apart))))
    return chosen

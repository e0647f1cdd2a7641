"""What is usual of accuracy before anything is measured, but for a constant.

It rises over epochs. Over the logarithm of the learning rate it has one summit, which lies at a
higher rate where batches are larger, by about their square root (Krizhevsky 2014, Malladi et al.
2022), and who types rates types some on either side of it. `docs/search.md` says what that is worth
where it holds, and what it costs where it does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import JsonDict
from energy_sweep.search.acquisition.encoding import encode, span
from energy_sweep.search.acquisition.start import EPOCHS
from energy_sweep.study.space import Space

Floats = NDArray[np.float64]

RISE = 0.7  # of the logit, from the fewest epochs to the most
CURVE = 0.5  # of the logit, at a decade from the summit
# Decades of the rate that are worth one decade of an axis: where the summit is, they add to 0.
DECADES = {"lr": 1.0, "batch": -0.5}


def usual_logits(points: Sequence[JsonDict], space: Space) -> Floats:
    """What is expected of the logit of the accuracy of each point [N]."""
    away, risen = np.zeros(len(points)), np.zeros(len(points))
    for axis in space.axes:
        numbers = span(axis)
        if numbers is None or numbers[0] == numbers[1]:
            continue
        low, high = numbers
        if axis.name == EPOCHS:
            risen = encode(points, Space([axis]))[:, 0]
        elif axis.name in DECADES and low > 0:
            values = np.array([float(point[axis.name]) for point in points])
            away += DECADES[axis.name] * np.log10(values / math.sqrt(low * high))
    return RISE * risen - CURVE * away**2

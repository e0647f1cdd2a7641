"""Whether joules are linear in epochs: fitted on the readings of single epochs.

A price is so many joules an epoch, so that what configurations cost is linear in their epochs by
construction. What each epoch was read to take is not: were later ones dearer or cheaper, a line
through them would rise or fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from energy_sweep.front.breakdown import EPOCH_STAGES
from energy_sweep.record import JsonDict, StageRecord
from energy_sweep.uncertainty.contrasts import paired_contrast

LEAST_EPOCHS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Linearity:
    """How much more than the first the last epoch of a training takes, as a share of the mean one.

    A mean over `trainings` with its 95 % interval, of `epochs` readings in all; `r_squared` is that
    of a straight line through 0 for the joules up to each epoch, the median over trainings. The
    interval is None where there is but one training.
    """

    trainings: int
    epochs: int
    change: float
    low: float | None
    high: float | None
    r_squared: float

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        interval = None if self.low is None else [self.low, self.high]
        return {
            "trainings": self.trainings,
            "epochs": self.epochs,
            "last_over_first": self.change,
            "interval": interval,
            "r_squared": self.r_squared,
        }


def linearity(records: Iterable[StageRecord]) -> Linearity | None:
    """Of all trainings that were read epoch by epoch, at least four; None where there are none."""
    changes, fits, epochs = list[float](), list[float](), 0
    for record in records:
        joules = [mark.reading.joules for mark in record.marks if mark.units == 1]
        if record.stage not in EPOCH_STAGES or len(joules) < LEAST_EPOCHS or not math.fsum(joules):
            continue
        values, at = np.array(joules), np.arange(len(joules), dtype=np.float64)
        slope = float(np.polyfit(at, values, 1)[0])
        changes.append(slope * (len(joules) - 1) / float(values.mean()))
        fits.append(_r_squared(np.cumsum(values).tolist()))
        epochs += len(joules)
    if not changes:
        return None
    found = paired_contrast(changes)
    return Linearity(
        trainings=len(changes),
        epochs=epochs,
        change=found.change,
        low=found.low if len(changes) > 1 else None,
        high=found.high if len(changes) > 1 else None,
        r_squared=float(np.median(fits)),
    )


def _r_squared(spent: list[float]) -> float:
    """Of the joules up to each epoch, fitted by so many an epoch."""
    y, x = np.array(spent), np.arange(1, len(spent) + 1, dtype=np.float64)
    each = float(x @ y) / float(x @ x)
    return 1 - float(((y - each * x) ** 2).sum()) / float(((y - y.mean()) ** 2).sum())

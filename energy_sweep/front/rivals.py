"""Which configurations can be told apart: rivals, and what beats a configuration beyond doubt.

A beats B where A is surely more accurate (`accuracy.py`: on the same images by p < .05, else by an
interval that lies wholly above B's), or where A costs less beyond the uncertainty of the ratio of
their joules (`ratios.py`), in which all that is common to their prices cancels. Each of two may
beat the other, one in accuracy and one in joules: that is the bargain which a front is made of.
Where neither does, they are rivals. Where one alone does, it is surely better in something and not
surely worse in anything: the other is beaten by it.

Joules that rest on contended windows alone may be anything, so they beat nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.merged import Row
from energy_sweep.front.ratios import Ratios

Flags = NDArray[np.bool_]


def compared(
    found: Sequence[Row],
    members: Collection[int],
    *,
    accuracies: AccuracyTable,
    ratios: Ratios,
) -> tuple[Row, ...]:
    """The rows of configurations with their rivals and what beats them, by trial number.

    `members` are the trials of the front: those are compared with all rows, others with them only.
    `accuracies` are those of the rows, `ratios` those of their demands, in the same order.
    """
    front = [place for place, row in enumerate(found) if row.trial in members]
    over, under = _beats(front, accuracies, ratios)
    trials = np.array([row.trial for row in found])
    placed: list[Row] = []
    for place, row in enumerate(found):
        if row.trial in members:
            mine, theirs, others = over[front.index(place)], under[front.index(place)], trials
        else:
            mine, theirs, others = under[:, place], over[:, place], trials[front]
        rivals = others[~mine & ~theirs & (others != row.trial)]
        beaten_by = others[~mine & theirs]
        placed.append(
            dataclasses.replace(
                row, rivals=tuple(map(int, rivals)), beaten_by=tuple(map(int, beaten_by))
            )
        )
    return tuple(placed)


def _beats(front: Sequence[int], accuracies: AccuracyTable, ratios: Ratios) -> tuple[Flags, Flags]:
    """Whether each of the front beats each row, and whether each row beats it [front, rows]."""
    above, below = accuracies.better(front)
    numbers: dict[frozenset[tuple[str, float]], int] = {}
    alike = [numbers.setdefault(frozenset(one.items()), len(numbers)) for one in ratios.demands]
    distinct = list({number: place for place, number in enumerate(alike)}.values())
    cheaper, dearer = ratios.cheaper(front, distinct), ratios.cheaper(distinct, front).T
    return above | cheaper[:, alike], below | dearer[:, alike]

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

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.ratios import Ratios

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The trials that a configuration cannot be told apart from, and those that beat it."""

    rivals: tuple[int, ...]
    beaten_by: tuple[int, ...]


def compared(front: Sequence[int], accuracies: AccuracyTable, ratios: Ratios) -> list[Comparison]:
    """What each configuration of a study is beside others, in their order.

    `front` are the places of the members: those are compared with all, others with them only.
    `ratios` are those of the configurations' demands.
    """
    over, under = _beats(front, accuracies, ratios)
    trials = [one.trial for one in accuracies.configurations]
    itself = np.equal.outer(np.array(front, np.intp), np.arange(len(trials)))
    rivals, beaten = ~over & ~under & ~itself, ~over & under & ~itself
    member_trials = [trials[place] for place in front]
    # Those that are not on the front: what a member does to them, the other way round.
    losing = ~under & over
    placed = list(map(Comparison, _named(rivals.T, member_trials), _named(losing.T, member_trials)))
    of_front = zip(_named(rivals, trials), _named(beaten, trials), strict=True)
    for place, (alike, better) in zip(front, of_front, strict=True):
        placed[place] = Comparison(alike, better)
    return placed


def _named(flags: Flags, trials: Sequence[int]) -> list[tuple[int, ...]]:
    """For each row the trials of the columns that are true."""
    rows, columns = np.nonzero(flags)
    names = [trials[column] for column in columns.tolist()]
    ends = np.searchsorted(rows, np.arange(len(flags) + 1)).tolist()
    return [tuple(names[first:last]) for first, last in itertools.pairwise(ends)]


def _beats(front: Sequence[int], accuracies: AccuracyTable, ratios: Ratios) -> tuple[Flags, Flags]:
    """Whether each of the front beats each row, and whether each row beats it [front, rows]."""
    above, below = accuracies.better(front)
    numbers: dict[frozenset[tuple[str, float]], int] = {}
    alike = [numbers.setdefault(frozenset(one.items()), len(numbers)) for one in ratios.demands]
    distinct = list({number: place for place, number in enumerate(alike)}.values())
    cheaper, dearer = ratios.cheaper(front, distinct), ratios.cheaper(distinct, front).T
    return above | cheaper[:, alike], below | dearer[:, alike]

"""Which configurations can be told apart: rivals, and what beats a configuration beyond doubt.

A beats B where A is surely more accurate (`accuracy.py`: on the same images by p < .05, else by an
interval that lies wholly above B's), or where A costs less by more than the uncertainty of the
difference. Each of two may beat the other, one in accuracy and one in joules:
that is the bargain which a front is made of. Where neither does, they are rivals. Where one alone
does, it is surely better in something and not surely worse in anything: the other is beaten by it.

Joules that rest on contended windows alone may be anything, so they beat nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from energy_sweep.front.merged import Configuration, Row
from energy_sweep.front.prices import Prices, Usage, apart

if TYPE_CHECKING:
    from energy_sweep.front.accuracy import Booleans


def compared(
    found: Sequence[Row],
    members: Collection[int],
    *,
    configurations: Sequence[Configuration],
    prices: Prices,
) -> tuple[Row, ...]:
    """The rows of `configurations` with their rivals and what beats them, by trial number.

    `members` are the trials of the front: those are compared with all rows, others with them only.
    """
    front = sorted((row for row in found if row.trial in members), key=lambda row: row.trial)
    demands = {one.trial: one.demand for one in configurations}
    accuracies = _Accuracies.of(configurations, members)
    judge = _Judge(demands, prices, accuracies, _alike(demands), {})
    return tuple(judge.place(row, found if row.trial in members else front) for row in found)


def _alike(demands: Mapping[int, Usage]) -> dict[int, int]:
    """By trial, the first one whose demand is the same."""
    first: dict[frozenset[tuple[str, float]], int] = {}
    return {n: first.setdefault(frozenset(usage.items()), n) for n, usage in demands.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class _Accuracies:
    """Which trials of a front are surely more, or less, accurate than which: [members, trials]."""

    rows: Mapping[int, int]
    columns: Mapping[int, int]
    above: Booleans
    below: Booleans

    @staticmethod
    def of(configurations: Sequence[Configuration], members: Collection[int]) -> _Accuracies:
        from energy_sweep.front.accuracy import AccuracyTable  # which loads NumPy

        columns = {one.trial: index for index, one in enumerate(configurations)}
        chosen = [columns[trial] for trial in members]
        above, below = AccuracyTable(configurations).better(chosen)
        rows = {trial: index for index, trial in enumerate(members)}
        return _Accuracies(rows, columns, above, below)

    def is_more(self, trial: int, other: int) -> bool:
        """Whether a trial is surely more accurate than another; one of them is of the front."""
        if trial in self.rows:
            return bool(self.above[self.rows[trial], self.columns[other]])
        return bool(self.below[self.rows[other], self.columns[trial]])


@dataclasses.dataclass(frozen=True, slots=True)
class _Judge:
    """`alike` has many of the trials as one, whose difference to others is computed once."""

    demands: Mapping[int, Usage]
    prices: Prices
    accuracies: _Accuracies
    alike: Mapping[int, int]
    known: dict[tuple[int, int], tuple[float, float]]

    def place(self, row: Row, others: Sequence[Row]) -> Row:
        rivals, beaten_by = list[int](), list[int]()
        for other in others:
            if other is row or self.beats(row, other):
                continue
            (beaten_by if self.beats(other, row) else rivals).append(other.trial)
        return dataclasses.replace(row, rivals=tuple(rivals), beaten_by=tuple(beaten_by))

    def beats(self, row: Row, other: Row) -> bool:
        is_more = self.accuracies.is_more(row.trial, other.trial)
        return is_more or self._is_cheaper(row, other)

    def _is_cheaper(self, row: Row, other: Row) -> bool:
        saving = other.joules - row.joules
        if saving <= 0:
            return False
        if row.contended or other.contended:
            mine, theirs = self.demands[row.trial], self.demands[other.trial]
            if self.prices.is_contended(apart(theirs, mine)):
                return False
        # What two rows do not share is never less certain than both readings added up.
        if saving > other.uncertainty_joules + row.uncertainty_joules:
            return True
        saving, uncertainty = self._difference(self.alike[other.trial], self.alike[row.trial])
        return saving > uncertainty

    def _difference(self, first: int, second: int) -> tuple[float, float]:
        if (first, second) not in self.known:
            found = self.prices.difference(self.demands[first], self.demands[second])
            self.known[first, second] = found
        return self.known[first, second]

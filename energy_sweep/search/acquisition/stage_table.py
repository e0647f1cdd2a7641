"""Which stages candidates need, as arrays, so that thousands are priced at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.record import StageUse

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

Place = tuple[str, int]  # a stage, and which of several of that name in one chain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageTable:
    """The U stages that N candidates need.

    Each [U]: whose it is (`row`), its place in the chain (`place`, of `places`), the work and the
    cost that it names (`work` of `works`, `cost` of `costs`), and its `units`.
    """

    count: int
    row: Numbers
    place: Numbers
    work: Numbers
    cost: Numbers
    units: Floats
    places: tuple[Place, ...]
    works: tuple[str, ...]
    costs: tuple[str, ...]

    @classmethod
    def of(cls, chains: Sequence[Sequence[StageUse]], true_keys: Mapping[str, str]) -> StageTable:
        """The table of N chains, under the true keys of those that are provisional."""
        places, works, costs = dict[Place, int](), dict[str, int](), dict[str, int]()
        columns: tuple[list[int], ...] = ([], [], [], [])
        units, true = list[float](), true_keys.get
        for row, chain in enumerate(chains):
            for place, use in placed(chain):
                columns[0].append(row)
                columns[1].append(places.setdefault(place, len(places)))
                columns[2].append(works.setdefault(true(use.key, use.key), len(works)))
                columns[3].append(costs.setdefault(true(use.cost_key, use.cost_key), len(costs)))
                units.append(use.units)
        rows, place_of, work, cost = (np.array(column, dtype=np.intp) for column in columns)
        return cls(
            count=len(chains),
            row=rows,
            place=place_of,
            work=work,
            cost=cost,
            units=np.array(units, dtype=np.float64),
            places=tuple(places),
            works=tuple(works),
            costs=tuple(costs),
        )

    def of_stages(self, stages: Sequence[str]) -> NDArray[np.bool_]:
        """Which of the U are of these stages."""
        wanted = np.array([stage in stages for stage, _ in self.places], dtype=np.bool_)
        return wanted[self.place] if len(self.places) else np.zeros(0, dtype=np.bool_)

    def sums(self, values: Floats) -> Floats:
        """Of a value of each of the U the sum of each candidate [N]."""
        return np.bincount(self.row, weights=values, minlength=self.count).astype(np.float64)


def placed(chain: Sequence[StageUse]) -> list[tuple[Place, StageUse]]:
    """The stages of a chain, each with its place in it."""
    seen: dict[str, int] = {}
    found: list[tuple[Place, StageUse]] = []
    for use in chain:
        before = seen.get(use.stage, 0)
        found.append(((use.stage, before), use))
        seen[use.stage] = before + 1
    return found


def true_keys(planned: Sequence[StageUse], used: Sequence[StageUse]) -> dict[str, str]:
    """The keys that a trial has used in place of those that were planned for it, where they differ.

    A provisional key stands for the same true one wherever it is planned.
    """
    found, keys = dict(placed(used)), dict[str, str]()
    for place, use in placed(planned):
        if (other := found.get(place)) is not None:
            if other.key != use.key:
                keys[use.key] = other.key
            if other.cost_key != use.cost_key:
                keys[use.cost_key] = other.cost_key
    return keys

"""What one unit of each work costs: as measured, else predicted from equal stages that were.

The logarithm of a price is a Gaussian process over what can change it: a constant, a plane and a
smooth rest, whose sizes are given and not fitted, since few prices are known when it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.search.acquisition.stage_table import Floats, Numbers, StageTable

# Standard deviations of the log of a price: of all of a stage, from end to end of an axis, of what
# bends, and of what no axis tells; and how near, of an axis, two prices are alike.
LEVEL, SLOPE, BEND, NOISE, NEAR = 1.0, 1.0, 0.3, 0.03, 0.5
# The same of a price that a few steps tell: the first ones are dearer, and they are few.
LOOKED = 0.15
# An axis is left out where it varies by this share among candidates whose work costs the same.
SAME_COST = 0.5
# Of a stage that nobody measured yet nothing is known but that it is of the size of the others.
UNKNOWN = 1.0

# Their units are epochs of one net, which cost alike.
EPOCHS = ("trunk", "cooldown", "recover")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitPrices:
    """Joules per unit of each cost of a table [K], the standard deviation of their logarithm, and
    which of them were measured, or else foretold by less than a unit."""

    joules: Floats
    log_sd: Floats
    measured: NDArray[np.bool_]
    foretold: NDArray[np.bool_]

    @property
    def any_known(self) -> bool:
        """Whether a price was measured, so that the others are more than a guess."""
        return bool(self.measured.any())


def unit_prices(
    table: StageTable,
    features: Floats,
    known: Callable[[str], float | None],
    foretold: Callable[[str], float | None] = lambda _: None,
) -> UnitPrices:
    """Prices of a table's costs; `features` [N, D] are the candidates', each between 0 and 1.

    `known` gives the joules per unit of a cost key that was measured, `foretold` those that less
    than a unit told.
    """
    logs, told = _logs(map(known, table.costs)), _logs(map(foretold, table.costs))
    measured, both = ~np.isnan(logs), ~np.isnan(logs) & ~np.isnan(told)
    hints = ~np.isnan(told) & ~measured
    # What all of them say too much or too little, as far as those tell that were measured too.
    told += (logs - told)[both].sum() / (1 + both.sum())
    noise = np.where(measured, NOISE, LOOKED)
    logs = np.where(measured, logs, told)
    marked = measured if measured.any() else hints
    usual = float(np.median(logs[marked])) if marked.any() else 0.0
    there = measured | hints
    mean = np.where(there, logs, usual)
    sd = np.select([measured, hints], [0.0, LOOKED], UNKNOWN)
    for family in _families(table):
        uses = np.flatnonzero(np.isin(table.place, family))
        costs = np.unique(table.cost[uses])
        given, missing = costs[there[costs]], costs[~there[costs]]
        if len(given) and len(missing):
            where = _coordinates(table, features, uses)
            of_given = where[given], logs[given], noise[given]
            mean[missing], sd[missing] = _predict(*of_given, where[missing])
    return UnitPrices(joules=np.exp(mean), log_sd=sd, measured=measured, foretold=hints)


def _logs(prices: Iterable[float | None]) -> Floats:
    """Logarithms, not a number where a price is none."""
    return np.array([math.log(price) if price and price > 0 else math.nan for price in prices])


def _families(table: StageTable) -> list[list[int]]:
    """Places whose prices tell of each other: epochs, and each other stage by itself."""
    families: dict[str, list[int]] = {}
    for index, (stage, _) in enumerate(table.places):
        families.setdefault("epochs" if stage in EPOCHS else stage, []).append(index)
    return list(families.values())


def _coordinates(table: StageTable, features: Floats, uses: Numbers) -> Floats:
    """Where each cost lies [K, D + P]: what can change it of the features of those who use it, and
    the place that it has in their chains."""
    kept, count = list[Floats](), len(table.costs)
    numbers = np.maximum(np.bincount(table.cost[uses], minlength=count), 1)
    for place in np.unique(table.place[uses]):
        own = uses[table.place[uses] == place]
        kept.append(np.minimum(np.bincount(table.cost[own], minlength=count), 1.0))
    for column in features.T:
        changing = np.zeros(count)
        for place in np.unique(table.place[uses]):
            own = uses[table.place[uses] == place]
            values, costs = column[table.row[own]], table.cost[own]
            if not _idle(values, costs, count):
                changing += np.bincount(costs, weights=values, minlength=count)
        kept.append(changing / numbers)
    return np.column_stack(kept)


def _idle(values: Floats, costs: Numbers, count: int) -> bool:
    """Whether a feature varies freely among those whose work has the same cost key."""
    sizes = np.bincount(costs, minlength=count)
    several = sizes[costs] > 1
    if not several.any():
        return False
    within = values - _mean(values, costs, count)[costs]
    spread = float(np.var(values[several]))
    return spread > 0 and float(np.mean(within[several] ** 2)) >= SAME_COST * spread


def _mean(values: Floats, groups: Numbers, count: int) -> Floats:
    sizes = np.maximum(np.bincount(groups, minlength=count), 1)
    return np.bincount(groups, weights=values, minlength=count) / sizes


def _predict(known: Floats, logs: Floats, noise: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the log prices at other places."""
    centre = float(logs.mean())
    own = _kernel(known, known) + np.diag(noise**2)
    cross = _kernel(wanted, known)
    weights = np.linalg.solve(own, cross.T)
    before = LEVEL**2 + SLOPE**2 * (wanted**2).sum(axis=1) + BEND**2 + NOISE**2
    after = before - (cross * weights.T).sum(axis=1)
    return centre + weights.T @ (logs - centre), np.sqrt(np.maximum(after, 0.0))


def _kernel(left: Floats, right: Floats) -> Floats:
    apart = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    return LEVEL**2 + SLOPE**2 * left @ right.T + BEND**2 * np.exp(-apart / (2 * NEAR**2))

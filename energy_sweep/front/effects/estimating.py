"""Effects estimated: which test, of what, and what all pairs have in common.

Pairs vary by their settings and seeds (`spread`), which more pairs average away, and by what all of
them have in common (`common`): the prices of the same pools, the same validation images. A mean of
n pairs has the variance spread^2 / n + common, where common is the mean covariance of two pairs,
so that what is independent in each pair is counted once, in the spread that it shows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.effects.accuracy_effect import (
    accuracy_effect,
    images_between_groups,
    seed_spread,
)
from energy_sweep.front.effects.effect import Effect, Names
from energy_sweep.front.effects.figures import ACCURACY, work_of
from energy_sweep.front.effects.pairs import Pair
from energy_sweep.front.effects.runs import MeasuredRun, Runs
from energy_sweep.front.prices import Usage, apart
from energy_sweep.front.ratios import PairedRatios, Ratios, paired_ratios
from energy_sweep.uncertainty.contrasts import Contrast, paired_contrast, unpaired_contrast

Array = NDArray[np.float64]

DIGITS = 12  # of units a piece, beyond which equal work differs by rounding
SAME_WORK = "same work"


def effect_of(
    runs: Runs,
    pairs: Sequence[Pair],
    figure: str,
    *,
    names: Names,
    also: tuple[str, ...] = (),
    is_between_sweeps: bool = False,
) -> Effect | None:
    """The effect over pairs; None where no pair has the figure. `names`: axis, from, to."""
    if figure == ACCURACY:
        return accuracy_effect(pairs, names, also)
    works = _works(runs, pairs, figure)
    if not works:
        return None
    ratios = _ratios(runs, works)
    n = len(works)
    more = runs.between_sweeps if is_between_sweeps else 0.0
    corners = paired_ratios(ratios, range(n, 2 * n), range(n))
    found = [paired_contrast(_listed(one), common=_common(one) + more) for one in corners]
    is_same = all(first == second for first, second in works) and not is_between_sweeps
    return Effect(
        figure=figure,
        axis=names[0],
        first=names[1],
        second=names[2],
        contrast=_widest(found, SAME_WORK if is_same else None),
        meter_error=math.sqrt(float(corners[0].covariance.mean()) + more),
        seed_spread=seed_spread(pairs, _of_pairs(runs, pairs, figure)),
        contended=any(runs.prices.is_contended(apart(*both)) for both in works),
        pairs=len(pairs),
        also=also,
    )


def unpaired_effect(
    runs: Runs,
    first: Sequence[MeasuredRun],
    second: Sequence[MeasuredRun],
    figure: str,
    *,
    names: Names,
    is_between_sweeps: bool = False,
) -> Effect | None:
    """The effect over runs of which no two match; None where a side has fewer than 2."""
    contended = False
    if min(len(first), len(second)) < 2:
        return None
    if figure == ACCURACY:
        sides = [[run.accuracy for run in side] for side in (second, first)]
        common = images_between_groups(first, second)
        error = math.sqrt(common)
    else:
        works = [_distinct(runs, side, figure) for side in (second, first)]
        if not all(works):
            return None
        n, demands = len(works[0]), [*works[0], *works[1]]
        ratios = Ratios(demands, runs.prices, runs.scale_band_of)
        beside = paired_ratios(ratios, range(len(demands)), [0] * len(demands))[0]
        sides = [beside.values[:n].tolist(), beside.values[n:].tolist()]
        common, error = _common_of_groups(beside.covariance, n)
        more = runs.between_sweeps if is_between_sweeps else 0.0
        common, error = common + more, math.hypot(error, math.sqrt(more))
        both = itertools.product(*works)
        contended = any(runs.prices.is_contended(apart(one, other)) for one, other in both)
    if min(map(len, sides)) < 2:
        return None
    return Effect(
        figure=figure,
        axis=names[0],
        first=names[1],
        second=names[2],
        contrast=unpaired_contrast(sides[0], sides[1], common=common),
        meter_error=error,
        seed_spread=None,
        contended=contended,
        pairs=min(len(first), len(second)),
    )


def _common_of_groups(covariance: Array, n: int) -> tuple[float, float]:
    """What two means of groups share of their readings, and the error that readings leave."""
    own, others = covariance[:n, :n], covariance[n:, n:]
    cross = 2 * float(covariance[:n, n:].mean())
    total = float(own.mean() + others.mean()) - cross
    shared = _off_diagonal(own) + _off_diagonal(others) - cross
    return max(0.0, shared), math.sqrt(max(0.0, total))


def _off_diagonal(block: Array) -> float:
    n = len(block)
    return float(block.sum() - np.trace(block)) / (n * (n - 1)) if n > 1 else float(block.sum())


def _works(runs: Runs, pairs: Sequence[Pair], figure: str) -> list[tuple[Usage, Usage]]:
    """The work of both sides of each pair, once where it is the same: copies tell nothing more."""
    found: dict[tuple[frozenset[tuple[str, float]], ...], tuple[Usage, Usage]] = {}
    for first, second in pairs:
        both = _work(runs, first, figure), _work(runs, second, figure)
        if both[0] is not None and both[1] is not None:
            known = frozenset(both[0].items()), frozenset(both[1].items())
            found.setdefault(known, (both[0], both[1]))
    return list(found.values())


def _work(runs: Runs, run: MeasuredRun, figure: str) -> Usage | None:
    """Rounded, so that equal work is equal; None where a reading that it rests on is gone."""
    work = work_of(run.result, figure)
    if work is None or any(runs.prices.pool(key) is None for key in work):
        return None
    return {key: float(f"{units:.{DIGITS}g}") for key, units in work.items()}


def _distinct(runs: Runs, side: Sequence[MeasuredRun], figure: str) -> list[Usage]:
    """The work of each run, once where it is the same."""
    works = [_work(runs, run, figure) for run in side]
    return list({frozenset(work.items()): work for work in works if work}.values())


def _ratios(runs: Runs, works: Sequence[tuple[Usage, Usage]]) -> Ratios:
    demands = [*(first for first, _ in works), *(second for _, second in works)]
    return Ratios(demands, runs.prices, runs.scale_band_of)


def _of_pairs(runs: Runs, pairs: Sequence[Pair], figure: str) -> list[float]:
    """The log ratio of each pair, copies too; nan where it is not known."""
    found: list[float] = []
    for first, second in pairs:
        both = [_work(runs, one, figure) for one in (first, second)]
        joules = [0.0 if work is None else runs.prices.joules(work)[0] for work in both]
        found.append(math.log(joules[1] / joules[0]) if all(joules) else math.nan)
    return found


def _listed(found: PairedRatios) -> list[float]:
    values: list[float] = found.values.tolist()
    return values


def _common(found: PairedRatios) -> float:
    """The mean covariance of two pairs; of one pair, its own variance."""
    n = len(found.values)
    total, alone = float(found.covariance.sum()), float(np.trace(found.covariance))
    return max(0.0, (total - alone) / (n * (n - 1))) if n > 1 else max(0.0, total)


def _widest(found: Sequence[Contrast], test: str | None) -> Contrast:
    """The contrast of several corners: what holds at each of them."""
    first = found[0]
    return replace(
        first,
        low=min(one.low for one in found),
        high=max(one.high for one in found),
        p_value=max(one.p_value for one in found),
        test=test or first.test,
    )

"""Effects on accuracy, and how any effect varies over seeds at equal settings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.detrending import Z95
from energy_sweep.front.differences import compare
from energy_sweep.front.effects.effect import Effect, Names
from energy_sweep.front.effects.figures import ACCURACY
from energy_sweep.front.effects.pairs import Pair
from energy_sweep.front.effects.runs import MeasuredRun, seed_of
from energy_sweep.record import digest
from energy_sweep.uncertainty.contrasts import Contrast, paired_contrast
from energy_sweep.uncertainty.errors import Errors


def accuracy_effect(pairs: Sequence[Pair], names: Names, also: tuple[str, ...]) -> Effect | None:
    """The effect over pairs; None where there are none. What images leave open all share."""
    # Of two sweeps that trained equal nets, these count once: copies tell nothing more.
    nets = {(_net(first), _net(second)): (first, second) for first, second in pairs}
    matched, pairs = len(pairs), list(nets.values())
    if not pairs:
        return None
    changes = [second.accuracy - first.accuracy for first, second in pairs]
    common, error = _image_variance(pairs)
    contrast = paired_contrast(changes, common=common)
    if len(pairs) == 1:
        found = compare(pairs[0][1].alone, pairs[0][0].alone)
        error = (found.high - found.low) / 2 / Z95
        contrast = Contrast(
            change=found.change,
            low=found.low,
            high=found.high,
            p_value=found.p_value,
            test="McNemar" if found.paired else "two proportions",
            size=None,
            size_name="Cohen's d",
            n=1,
            spread=0.0,
            error=error,
            errors=Errors(0.0, 1.0, error**2),
        )
    return Effect(
        figure=ACCURACY,
        axis=names[0],
        first=names[1],
        second=names[2],
        contrast=contrast,
        meter_error=error,
        seed_spread=seed_spread(pairs, changes),
        contended=False,
        pairs=matched,
        also=also,
    )


def _image_variance(pairs: Sequence[Pair]) -> tuple[float, float]:
    """The covariance of two pairs from the choice of images, and the error of the mean from it."""
    sides = [[pair[place].alone for pair in pairs] for place in (0, 1)]
    table = AccuracyTable([*sides[0], *sides[1]])
    asked = {one.asked for one in table.configurations}
    if len(asked) != 1 or None in asked:
        return 0.0, 0.0
    n, images = len(pairs), table.images[0]
    apart = table.answers(range(n, 2 * n)) - table.answers(range(n))
    total = float(apart.mean(axis=0).var()) / images
    each = float(apart.var(axis=1).sum()) / images
    if n == 1:
        return total, math.sqrt(total)
    return max(0.0, (n * n * total - each) / (n * (n - 1))), math.sqrt(total)


def images_between_groups(first: Sequence[MeasuredRun], second: Sequence[MeasuredRun]) -> float:
    """The variance of the second mean accuracy minus the first from the choice of images."""
    groups = [[run.alone for run in side] for side in (first, second)]
    table = AccuracyTable([*groups[0], *groups[1]])
    asked = {one.asked for one in table.configurations}
    if len(asked) == 1 and None not in asked:
        n = len(first)
        answers = [table.answers(range(n)), table.answers(range(n, n + len(second)))]
        apart = answers[1].mean(axis=0) - answers[0].mean(axis=0)
        return float(apart.var()) / table.images[0]
    means = [fmean(run.accuracy for run in side) for side in (first, second)]
    images = [side[0].result.n_validation for side in (first, second)]
    return math.fsum(p * (1 - p) / n for p, n in zip(means, images, strict=True))


def seed_spread(pairs: Sequence[Pair], changes: Sequence[float]) -> float | None:
    """The standard deviation over seeds, pooled over settings that have several."""
    settings: defaultdict[str, list[float]] = defaultdict(list)
    for (first, second), change in zip(pairs, changes, strict=True):
        if seed_of(first) == seed_of(second) and not math.isnan(change):
            settings[f"{_setting(first)} {_setting(second)}"].append(change)
    several = [np.asarray(values) for values in settings.values() if len(values) > 1]
    degrees = sum(len(values) - 1 for values in several)
    if not degrees:
        return None
    squares = math.fsum(float(((values - values.mean()) ** 2).sum()) for values in several)
    return math.sqrt(squares / degrees)


def _net(run: MeasuredRun) -> tuple[str, ...]:
    return tuple(f"{use.key} {use.units:g}" for use in run.result.stages)


def _setting(run: MeasuredRun) -> str:
    return f"{run.sweep} {digest(run.result.config)}"

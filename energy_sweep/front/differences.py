"""By how much accuracies differ: one pair of configurations, or many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from energy_sweep.front.accuracy import CONFIDENCE, AccuracyTable
from energy_sweep.front.merged import Configuration
from energy_sweep.uncertainty.intervals import Interval, difference_interval, normal_quantile
from energy_sweep.uncertainty.paired import mcnemar, seeds_difference, tango_limits

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDifference:
    """Accuracy of the first configuration minus that of the second, with its 95 % interval.

    `p_value` is that of no difference. `paired` says that both answered the same images; else the
    two are held for independent.
    """

    change: float
    low: float
    high: float
    p_value: float
    paired: bool


def compare(first: Configuration, second: Configuration) -> AccuracyDifference:
    """How the accuracies of two configurations differ, whatever else a study holds."""
    return differences(AccuracyTable((first, second)), [(0, 1)])[0]


def differences(table: AccuracyTable, pairs: Sequence[Pair]) -> list[AccuracyDifference]:
    """How the accuracies of each pair of configurations differ, by their places in a table.

    Of one seed each by the exact McNemar test and Tango's interval; with more, what seeds differ in
    is added.
    """
    simple = [pair for pair in dict.fromkeys(pairs) if _are_nets(table, *pair)]
    found = dict(zip(simple, _of_nets(table, simple), strict=True))
    return [found[pair] if pair in found else _difference(table, *pair) for pair in pairs]


def _are_nets(table: AccuracyTable, first: int, second: int) -> bool:
    """Whether both are one net, and answered the same images."""
    both = table.spreads[first].seeds == table.spreads[second].seeds == 1
    return both and table.is_paired(first, second)


def _of_nets(table: AccuracyTable, pairs: Sequence[Pair]) -> list[AccuracyDifference]:
    bits = {
        index: int.from_bytes(table.configurations[index].answers[0].packed, "big")
        for index in {index for pair in pairs for index in pair}
    }
    gained = [(bits[one] & ~bits[other]).bit_count() for one, other in pairs]
    lost = [(bits[other] & ~bits[one]).bit_count() for one, other in pairs]
    low, high = tango_limits(gained, lost, [table.images[one] for one, _ in pairs])
    p_values = mcnemar(gained, lost)
    return [
        AccuracyDifference(
            change=table.spreads[one].mean - table.spreads[other].mean,
            low=float(low[index]),
            high=float(high[index]),
            p_value=float(p_values[index]),
            paired=True,
        )
        for index, (one, other) in enumerate(pairs)
    ]


def _difference(table: AccuracyTable, first: int, second: int) -> AccuracyDifference:
    """Of two of which one has several seeds, or that answered other images."""
    one, other = table.judged[first], table.judged[second]
    change, is_paired = one.mean - other.mean, table.is_paired(first, second)
    if is_paired:
        n, (mine, theirs) = table.images[first], table.answers([first, second])
        squares = float(((mine - theirs) ** 2).sum())
        interval, p_value = seeds_difference(one, other, squares=squares, n=n)
    else:
        spans = table.interval(first), table.interval(second)
        interval = difference_interval(one.mean, spans[0], other.mean, spans[1])
        p_value = _normal_p_value(change, interval)
    low, high = interval
    return AccuracyDifference(change=change, low=low, high=high, p_value=p_value, paired=is_paired)


def _normal_p_value(change: float, interval: Interval) -> float:
    """Of no difference, where an interval is about as wide as that of a normal variable."""
    error = (interval.high - interval.low) / 2 / normal_quantile((1 + CONFIDENCE) / 2)
    return math.erfc(abs(change) / error / math.sqrt(2)) if error else float(not change)

"""Intervals: how sure a proportion or a mean is."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import Any, NamedTuple


class Interval(NamedTuple):
    """A closed interval."""

    low: float
    high: float


def wilson(correct: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a proportion; `correct` may be a mean count of repeats."""
    _check_confidence(confidence)
    if not 0 <= correct <= n or n <= 0:
        raise ValueError(f"{correct} of {n} is no proportion")
    z = normal_quantile((1 + confidence) / 2)
    share, shrink = correct / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and n the bound is exact; rounding would put it just beside.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == n else min(1.0, centre + half)
    return Interval(low, high)


def newcombe(
    correct: float, n: float, other_correct: float, other_n: float, confidence: float = 0.95
) -> Interval:
    """Interval of the first proportion minus the other, of independent samples.

    Newcombe's hybrid of two Wilson score intervals (1998, method 10). Of two answers to the same
    images it is too wide, never too narrow, as long as both tend to be right on the same ones.
    """
    own, theirs = wilson(correct, n, confidence), wilson(other_correct, other_n, confidence)
    return difference_interval(correct / n, own, other_correct / other_n, theirs)


def difference_interval(
    value: float, interval: Interval, other: float, other_interval: Interval
) -> Interval:
    """Interval of a value minus another that is independent of it, each with its own interval."""
    change = value - other
    return Interval(
        change - math.hypot(value - interval.low, other_interval.high - other),
        change + math.hypot(interval.high - value, other - other_interval.low),
    )


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def simultaneous_quantile(comparisons: int, confidence: float = 0.95) -> float:
    """Standard errors within which so many normal differences all lie (Bonferroni).

    Whichever of them is picked afterwards, as the largest is, its interval covers as often.
    """
    _check_confidence(confidence)
    return normal_quantile(1 - (1 - confidence) / (2 * comparisons))


@functools.lru_cache(maxsize=1024)
def t_quantile(degrees: float, probability: float) -> float:
    """Quantile of Student's t distribution with `degrees` of freedom."""
    if degrees <= 0 or not 0 < probability < 1:
        raise ValueError(f"t has no quantile {probability} at {degrees} degrees of freedom")
    # It takes a tenth of a second to import, which `--help` does not wait for.
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    functions: Any = special
    return float(functions.stdtrit(degrees, probability))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, Interval]:
    """Mean of independent repeats and its Student interval, which needs at least two."""
    _check_confidence(confidence)
    if len(values) < 2:
        raise ValueError(f"{len(values)} values show no spread: at least 2 are needed")
    mean = fmean(values)
    error = stdev(values) / math.sqrt(len(values))
    half = t_quantile(len(values) - 1, (1 + confidence) / 2) * error
    return mean, Interval(mean - half, mean + half)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")

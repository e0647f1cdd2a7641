"""Intervals: how sure a proportion or a mean is. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple


class Interval(NamedTuple):
    """A closed interval."""

    low: float
    high: float


def wilson(correct: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a proportion; `correct` may be a mean count of repeats."""
    _check_confidence(confidence)
    if not 0 <= correct <= n or n <= 0:
        raise ValueError(f"{correct} of {n} is no proportion")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
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
    share, other = correct / n, other_correct / other_n
    own, theirs = wilson(correct, n, confidence), wilson(other_correct, other_n, confidence)
    change = share - other
    return Interval(
        change - math.hypot(share - own.low, theirs.high - other),
        change + math.hypot(own.high - share, other - theirs.low),
    )


def t_quantile(degrees: float, probability: float) -> float:
    """Quantile of Student's t distribution with `degrees` of freedom."""
    if degrees <= 0 or not 0 < probability < 1:
        raise ValueError(f"t has no quantile {probability} at {degrees} degrees of freedom")
    if probability < 0.5:
        return -t_quantile(degrees, 1 - probability)
    if probability == 0.5:
        return 0.0
    tail = 2 * (1 - probability)
    low, high = 0.0, 1.0
    while _two_sided_tail(high, degrees) > tail and high < 1e300:
        low, high = high, high * 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _two_sided_tail(middle, degrees) > tail else (low, middle)
    return middle


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


def _two_sided_tail(t: float, degrees: float) -> float:
    """P(|T| > t)."""
    return _incomplete_beta(degrees / (degrees + t * t), t * t / (degrees + t * t), degrees / 2)


def _incomplete_beta(x: float, rest: float, a: float) -> float:
    """Regularised I_x(a, 1/2); `rest` is 1 - x, handed in because it may be tiny."""
    b = 0.5
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    log_front = a * math.log(x) + b * math.log(rest)
    log_front -= math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    # The fraction converges fast only on its own side of the mean; the other is its mirror.
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) / a / _fraction(_beta_steps(x, a, b))
    return 1 - math.exp(log_front) / b / _fraction(_beta_steps(rest, b, a))


def _beta_steps(x: float, a: float, b: float) -> Iterator[float]:
    """Partial numerators of the continued fraction of the incomplete beta function."""
    for m in range(1, 300):
        yield -(a + m - 1) * (a + b + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1))
        yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _fraction(numerators: Iterator[float]) -> float:
    """1 + n1/(1 + n2/(1 + ...)) by the modified Lentz method."""
    tiny = 1e-300
    value = above = 1.0
    below = 0.0
    for numerator in numerators:
        below = 1 / ((1 + numerator * below) or tiny)
        above = (1 + numerator / above) or tiny
        value *= above * below
        if abs(above * below - 1) < 1e-15:
            break
    return value

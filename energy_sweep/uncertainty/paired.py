"""Nets that answered the same images: how sure the difference of two, or the mean of seeds, is.

Images are common to all nets, so that how hard they are cancels in a difference. Seeds are
clusters: their mean is as unsure as they differ, however many images each answered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from energy_sweep.uncertainty.intervals import Interval, normal_quantile, t_quantile, wilson

Numbers = npt.NDArray[np.float64]
# Of the variance over images, the least share that is believed to be common to all seeds.
LEAST_COMMON = 0.05


def mcnemar(gained: npt.ArrayLike, lost: npt.ArrayLike) -> Numbers:
    """Exact two-sided p value that two nets are equally good, elementwise.

    `gained` images are right by the first alone, `lost` by the second alone (McNemar 1947, with the
    binomial distribution instead of its limit).
    """
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    functions: Any = special
    first, second = np.asarray(gained, dtype=np.int64), np.asarray(lost, dtype=np.int64)
    fewer = np.minimum(first, second).astype(np.float64)
    tail = functions.bdtr(fewer, first + second, 0.5)
    return np.minimum(1.0, 2.0 * np.asarray(tail, dtype=np.float64))


def tango(gained: float, lost: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of the first accuracy minus the second, over the same `n` images.

    Tango (1998). Where few images are answered differently it covers nearer to what it says than
    adjusted Wald intervals (`benchmarks/coverage.py`).
    """
    low, high = tango_limits([gained], [lost], [n], confidence)
    return Interval(float(low[0]), float(high[0]))


def tango_limits(
    gained: npt.ArrayLike, lost: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """The limits of `tango`, elementwise."""
    more, fewer = np.asarray(gained, np.float64), np.asarray(lost, np.float64)
    images = np.asarray(n, np.float64)
    if not ((more >= 0) & (fewer >= 0) & (images > 0) & (images >= more + fewer)).all():
        raise ValueError(f"{gained} and {lost} of {n} images are no answers of two nets")
    z, change = normal_quantile((1 + confidence) / 2), (more - fewer) / images

    def is_outside(limit: Numbers) -> npt.NDArray[np.bool_]:
        return np.abs(more - fewer - images * limit) > z * np.sqrt(_score_variance(limit))

    def _score_variance(limit: Numbers) -> Numbers:
        linear = (2 * images - more + fewer) * limit - more - fewer
        square = linear * linear + 8 * images * fewer * limit * (1 - limit)
        only_second = (np.sqrt(np.maximum(square, 0.0)) - linear) / (4 * images)
        return np.maximum(images * (2 * only_second + limit * (1 - limit)), 0.0)

    return _boundary(change, -1.0, is_outside), _boundary(change, 1.0, is_outside)


def _boundary(inside: Numbers, end: float, is_outside: Any) -> Numbers:
    outside: Numbers = np.full(inside.shape, end)
    for _ in range(50):
        middle = (inside + outside) / 2
        beyond = is_outside(middle)
        inside, outside = np.where(beyond, inside, middle), np.where(beyond, middle, outside)
    return outside


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """The mean accuracy of one configuration, and how unsure seeds and images leave it.

    `variance` is that of the mean answers over images, `own` the part of it in which seeds answer
    one image differently; `seeds_variance` is that of the mean from the choice of `seeds`. It rests
    on so many `degrees` of freedom, None for those of its own seeds, and those of all that it was
    judged beside (`between_seeds.py`) are `most_degrees`.
    """

    mean: float
    seeds: int
    variance: float
    own: float = 0.0
    seeds_variance: float = 0.0
    degrees: int | None = None
    most_degrees: float = math.inf

    @property
    def freedom(self) -> float:
        """Degrees of freedom of `seeds_variance`."""
        return float(self.seeds - 1 if self.degrees is None else self.degrees)

    @property
    def common(self) -> float:
        """The part of the variance over images that is common to all seeds."""
        return max(self.variance - self.own, LEAST_COMMON * self.variance)

    def seeds_half(self, confidence: float = 0.95) -> float:
        """Half of the interval that seeds alone leave."""
        if not self.seeds_variance:
            return 0.0
        quantile = t_quantile(self.freedom, (1 + confidence) / 2)
        return quantile * math.sqrt(self.seeds_variance)

    def interval(self, n: int) -> Interval:
        """95 % interval of the accuracy over images and seeds, by `n` images.

        Wilson's for one seed. For more, its halves and that of Student's t over the seeds'
        accuracies are added in squares (Zou and Donner, 2008). As seeds differ in some images, the
        same `n` images say more of all seeds than they do of one.
        """
        images = wilson(self.mean * n, n)
        if self.seeds == 1:
            return images
        if self.common:
            effective = n * max(1.0, self.mean * (1 - self.mean) / self.common)
            images = wilson(self.mean * effective, effective)
        half = self.seeds_half()
        return Interval(
            max(0.0, self.mean - math.hypot(self.mean - images.low, half)),
            min(1.0, self.mean + math.hypot(images.high - self.mean, half)),
        )


def spread_of(right: npt.NDArray[np.uint8]) -> SeedSpread:
    """How seeds differ, from their answers [seeds, images], 1 where right."""
    seeds, mean = len(right), right.mean(axis=0)
    found = spread_of_counts(right.sum(axis=1), right.shape[1])
    own = float((mean * (1 - mean)).mean()) / (seeds - 1) if seeds > 1 else 0.0
    return replace(found, variance=float(mean.var()), own=own)


def spread_of_counts(correct: npt.ArrayLike, n: int) -> SeedSpread:
    """The same where only the number of right answers of each seed is known, of `n` images."""
    each = np.asarray(correct, dtype=np.float64) / n
    mean, seeds = float(each.mean()), len(each)
    variance = float(each.var(ddof=1)) / seeds if seeds > 1 else 0.0
    return SeedSpread(mean=mean, seeds=seeds, variance=mean * (1 - mean), seeds_variance=variance)


def image_variance(
    squares: npt.ArrayLike,
    change: npt.ArrayLike,
    n: int,
    *,
    own: npt.ArrayLike,
    nets: npt.ArrayLike,
) -> Numbers:
    """Variance of a difference of mean answers from the choice of `n` images, elementwise.

    `squares` are sums of squared differences by image, `own` the parts that seeds have alone. Two
    images more that one side alone has right keep it from 0 where all were answered alike (Agresti
    and Min, 2005); `nets` is the sum of 1 / seeds of both sides, 2 for one net each.
    """
    variance = np.asarray(squares, dtype=np.float64) / n - np.square(change)
    common = np.maximum(variance - np.asarray(own), LEAST_COMMON * variance)
    return (n * common + np.asarray(nets)) / (n + 2) ** 2


def seeds_half(
    first: tuple[npt.ArrayLike, npt.ArrayLike],
    second: tuple[npt.ArrayLike, npt.ArrayLike],
    confidence: float,
    *,
    most: npt.ArrayLike = math.inf,
) -> Numbers:
    """Half of the interval that seeds alone leave a difference, elementwise.

    Of either side: the variance of its mean from the choice of seeds, and its degrees of freedom.
    Welch's (1947), with `most` degrees at most: sides that were judged beside the same others do
    not know more than all of them.
    """
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    functions: Any = special
    total, squares = np.float64(0.0), np.float64(0.0)
    for variance, freedom in (first, second):
        total = total + np.asarray(variance)
        squares = squares + np.square(variance) / np.maximum(np.asarray(freedom), 1.0)
    degrees = np.minimum(np.square(total) / np.where(squares > 0, squares, 1.0), most)
    quantile = functions.stdtrit(np.maximum(degrees, 1.0), (1 + confidence) / 2)
    return np.asarray(quantile * np.sqrt(total), dtype=np.float64)


def _seeds_of(one: SeedSpread) -> tuple[float, float]:
    return one.seeds_variance, one.freedom


def seeds_difference(
    first: SeedSpread, second: SeedSpread, *, squares: float, n: int
) -> tuple[Interval, float]:
    """95 % interval and p value of the first mean accuracy minus the second, over the same images.

    Images and the seeds of either side are independent reasons to be wrong, each with its half of
    an interval, added in squares; the p value is the doubt at which the interval just reaches 0.
    """
    change, nets = first.mean - second.mean, 1 / first.seeds + 1 / second.seeds
    own, most = first.own + second.own, min(first.most_degrees, second.most_degrees)
    error = math.sqrt(float(image_variance(squares, change, n, own=own, nets=nets)))

    def half(doubt: float) -> float:
        sides = _seeds_of(first), _seeds_of(second)
        seeds = float(seeds_half(*sides, 1 - doubt, most=most))
        return math.hypot(normal_quantile(1 - doubt / 2) * error, seeds)

    low, high = 1e-12, 1.0
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if half(middle) < abs(change) else (middle, high)
    return Interval(change - half(0.05), change + half(0.05)), high

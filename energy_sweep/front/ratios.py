"""How the joules of configurations compare: logarithms of their ratios, how sure, and drawn.

What all prices of a study have in common cancels: the scale of the day, and the unknown factor of a
source as far as all joules come from that source. Where they do not, a comparison is sure only if
it holds at every factor within the bands of the sources.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.boards import between_boards
from energy_sweep.front.detrending import Z95, Detrended
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import NO_UNITS, TWO_RUNS, Prices, Usage

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Sums of the same joules in another order differ by less.
ROUNDING = 1e-12
# Of what costs nothing, so that it has a logarithm.
LEAST_JOULES = 1e-300


class PairedRatios(NamedTuple):
    """Logarithms of the ratios of pairs of demands [n], and their covariance in one run [n, n]."""

    values: Array
    covariance: Array


class LogRatios(NamedTuple):
    """Logarithms of joules over joules, and their 95 % uncertainties in one run, both [n, m]."""

    value: Array
    uncertainty: Array


@dataclass(frozen=True, eq=False)
class Ratios:
    """The demands of configurations beside each other, all of which have a price.

    `scale_band_of` gives the factor (low, high) by which all joules of a source may be off.
    """

    demands: Sequence[Usage]
    prices: Prices
    scale_band_of: Callable[[str], tuple[float, ...]] = lambda _: (1.0, 1.0)

    def log_ratios(
        self, first: Sequence[int], second: Sequence[int], scale: Sequence[float] | None = None
    ) -> LogRatios:
        """Of demands by their place: joules of each of `first` over those of each of `second`.

        `scale` gives a factor for each of `sources`.
        """
        shares, log_joules = self.shares_of(scale)
        one, two = shares[list(first)], shares[list(second)]
        left = one @ self.covariance
        variance = (
            np.einsum("ij,ij->i", left, one)[:, None]
            + np.einsum("ij,ij->i", two @ self.covariance, two)[None, :]
            - 2 * left @ two.T
        )
        value = log_joules[list(first)][:, None] - log_joules[list(second)][None, :]
        return LogRatios(value, Z95 * np.sqrt(np.maximum(variance, 0.0)))

    def interval(self, first: int, second: int) -> tuple[float, float]:
        """Ends of the logarithm of the joules of one demand over those of another, by their places.

        At 95 % in one run, and at every factor within the bands of the sources.
        """
        found = [self.log_ratios([first], [second], scale) for scale in self.corners]
        low = min(float(one.value[0, 0] - one.uncertainty[0, 0]) for one in found)
        return low, max(float(one.value[0, 0] + one.uncertainty[0, 0]) for one in found)

    def cheaper(self, first: Sequence[int], second: Sequence[int]) -> Flags:
        """Whether each of `first` surely costs less than each of `second` [n, m]."""
        sure = ~self.is_contended(first, second)
        for scale in self.corners:
            found = self.log_ratios(first, second, scale)
            sure &= found.value + found.uncertainty < -ROUNDING
        return sure

    def cheaper_or_equal(self, first: Sequence[int], second: Sequence[int], times: float) -> Flags:
        """Whether each of `first` costs no more than each of `second` by any draw [n, m].

        That is, beyond so many `times` the uncertainty. Contended joules count as clean ones.
        """
        found: Flags = np.ones((len(first), len(second)), np.bool_)
        for scale in self.corners:
            ratio = self.log_ratios(first, second, scale)
            found &= ratio.value + times * ratio.uncertainty <= 0
        return found

    def point_joules(self) -> Array:
        """The joules of each demand, by the prices as they are."""
        return np.exp(self.shares_of(None)[1])

    def covariances(self, first: Sequence[int], second: Sequence[int]) -> Array:
        """Of joules of each of `first` and of that of `second` in its place, in one run [n]."""
        joules = self._units * self._by_source.sum(axis=0)
        return np.einsum("ij,ij->i", joules[[*first]] @ self.covariance, joules[[*second]])

    def is_contended(self, first: Sequence[int], second: Sequence[int]) -> Flags:
        """Whether what two demands do not share was measured but beside other programs."""
        found: Flags = np.zeros((len(first), len(second)), np.bool_)
        for index, pool in enumerate(self._pools):
            if pool.contended:
                units = self._units[:, index]
                found |= np.abs(np.subtract.outer(units[list(first)], units[list(second)])) > (
                    NO_UNITS
                )
        return found

    def draw(self, rng: np.random.Generator, draws: int) -> Array:
        """Joint draws [draws, demands] of log joules, but for a factor common to all."""
        off = rng.standard_normal((draws, len(self._keys))) @ self._root.T
        joules: Array = np.zeros((draws, len(self.demands)))
        for place, factors in enumerate(self._drawn_scales(rng, draws)):
            prices = np.exp(off) * self._by_source[place]
            joules += factors[:, None] * (prices @ self._units.T)
        return np.log(np.maximum(joules, LEAST_JOULES))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources that a part of some demand was read from."""
        return tuple(dict.fromkeys(source for pool in self._pools for source in pool.by_source))

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for one in self.demands for key in one))

    @cached_property
    def _pools(self) -> list[Pool]:
        return [pool for pool, _ in self.prices.parts(dict.fromkeys(self._keys, 1.0))]

    @cached_property
    def _units(self) -> Array:
        place = {key: index for index, key in enumerate(self._keys)}
        found: Array = np.zeros((len(self.demands), len(place)))
        for row, one in enumerate(self.demands):
            for key, units in one.items():
                found[row, place[key]] = units
        return found

    @cached_property
    def _by_source(self) -> Array:
        """Joules per unit [sources, pools]."""
        return np.array([[p.by_source.get(one, 0.0) for p in self._pools] for one in self.sources])

    @cached_property
    def covariance(self) -> Array:
        """That of the logarithms of the pools' prices in one run."""
        return _covariance(self._keys, self._pools, self.prices.trend)

    @cached_property
    def _root(self) -> Array:
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), np.float64)

    @cached_property
    def corners(self) -> list[tuple[float, ...]]:
        """Factors of the sources at the ends of their bands; what is common to all is left out."""
        if len(self.sources) < 2:
            return [(1.0,) * len(self.sources)]
        bands = [dict.fromkeys(self.scale_band_of(source)) for source in self.sources]
        return list(itertools.product(*bands))

    def _drawn_scales(self, rng: np.random.Generator, draws: int) -> list[Array]:
        """Factors of each source, evenly over the logarithms of its band."""
        if len(self.sources) < 2:
            return [np.ones(draws)] * len(self.sources)
        bands = [np.log(self.scale_band_of(source)) for source in self.sources]
        return [np.exp(rng.uniform(band[0], band[-1], draws)) for band in bands]

    def shares_of(self, scale: Sequence[float] | None) -> tuple[Array, Array]:
        """Each pool's share of the joules of each demand, and the logarithm of those."""
        factors = np.ones(len(self.sources)) if scale is None else np.array(scale)
        parts = self._units * (factors @ self._by_source)
        joules = np.maximum(parts.sum(axis=1), LEAST_JOULES)
        return parts / joules[:, None], np.log(joules)


def paired_ratios(
    ratios: Ratios, first: Sequence[int], second: Sequence[int]
) -> list[PairedRatios]:
    """The joules of each of `first` over those of its partner in `second`, by their places.

    One for every corner of the bands of the sources: one, where all joules are of one source.
    """
    found: list[PairedRatios] = []
    for scale in ratios.corners:
        shares, log_joules = ratios.shares_of(scale)
        apart = shares[list(first)] - shares[list(second)]
        values = log_joules[list(first)] - log_joules[list(second)]
        found.append(PairedRatios(values, apart @ ratios.covariance @ apart.T))
    return found


def _covariance(keys: Sequence[str], pools: Sequence[Pool], trend: Detrended | None) -> Array:
    """The covariance of the logarithms of prices in one run [K, K]."""
    alone = np.array([_variance_alone(pool) for pool in pools])
    found: Array = np.diag(alone)
    if trend is not None:
        known = {key: index for index, key in enumerate(trend.keys)}
        like = [pool.beside or key for key, pool in zip(keys, pools, strict=True)]
        here = [index for index, key in enumerate(like) if key in known]
        there = [known[like[index]] for index in here]
        found[np.ix_(here, here)] = trend.covariance[np.ix_(there, there)]
        # A proportion to another pool is as far off as that one, and by its own error besides.
        own = [index for index in here if pools[index].beside is not None]
        found[own, own] += alone[own]
    return found + between_boards([pool.by_board for pool in pools])


def _variance_alone(pool: Pool) -> float:
    """That of the logarithm of a price in one run, by what the meter says of its readings."""
    if not pool.joules_per_unit:
        return 0.0
    spread, drift = pool.spread / pool.joules_per_unit, pool.drift / pool.joules_per_unit
    if pool.beside is not None:  # which shares the drift of what it is taken in proportion to
        return (spread / Z95) ** 2
    return (spread**2 + (drift / TWO_RUNS) ** 2) / Z95**2

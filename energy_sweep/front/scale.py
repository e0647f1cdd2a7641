"""Which factors joules may be off by, and which orders of configurations depend on them.

All joules of one source are off by one factor, within its scale band. Where a study has one source,
that factor cancels in every order of two configurations. Where a board is counted and the processor
estimated there are two, and what costs more of the one and less of the other may be cheaper or not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from energy_sweep.record import EnergyReading, MeterFacts, Quality

if TYPE_CHECKING:
    from energy_sweep.front.prices import Prices, Usage

# Of the joules that are compared; below it a difference is rounding.
LEAST_SHARE = 1e-9
MOST_PAIRS = 6
OBTAINED = {
    Quality.COUNTER: "counted",
    Quality.INTEGRATED: "integrated from power",
    Quality.ESTIMATED: "estimated",
}

Pair = tuple[int, int]
# Joules of a configuration by source.
JoulesBySource = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFactor:
    """The factor that all joules of one source may be off by, between `low` and `high`."""

    source: str
    domains: tuple[str, ...]
    quality: Quality
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether it is 1, or at least nothing is known of another."""
        return self.low == self.high == 1

    @property
    def text(self) -> str:
        """Which joules have which factor."""
        of = f"those of {_listed(self.domains or (self.source,))} are {OBTAINED[self.quality]}"
        if self.is_known:
            return f"{of}, with no factor that is known"
        return f"{of}, times an unknown factor between {self.low:.3g} and {self.high:.3g}"


def scale_factors(
    meter: MeterFacts, readings: Iterable[EnergyReading] = ()
) -> tuple[ScaleFactor, ...]:
    """One factor for each source, those that may be farthest off first.

    `readings` tell which domains are of which source.
    """
    domains: dict[str, dict[str, Quality]] = {source: {} for source in meter.sources}
    missing = set(meter.domains) if len(meter.sources) > 1 else set[str]()
    for reading in readings:
        if not missing:
            break
        for part in reading.domains:
            if part.domain in missing and part.source in domains:
                domains[part.source][part.domain] = part.quality
                missing.remove(part.domain)
    if len(meter.sources) == 1:
        domains[meter.sources[0]] = dict.fromkeys(meter.domains, meter.quality)
    found: list[ScaleFactor] = []
    for source, parts in domains.items():
        low, high = meter.scale_band_of(source)
        quality = Quality.worst(parts.values()) if parts else meter.quality
        found.append(
            ScaleFactor(source=source, domains=tuple(parts), quality=quality, low=low, high=high)
        )
    return tuple(sorted(found, key=lambda one: one.low / one.high))


def share_one_factor(factors: Sequence[ScaleFactor]) -> bool:
    """Whether no order of two configurations can depend on the factors."""
    return len(factors) < 2 or all(factor.is_known for factor in factors)


def joules_by_source(demand: Usage, prices: Prices) -> JoulesBySource:
    """What a demand costs of each source."""
    found: defaultdict[str, float] = defaultdict(float)
    for pool, units in prices.parts(demand):
        for source, joules in pool.by_source.items():
            found[source] += units * joules
    return found


def order_depends(
    first: JoulesBySource, second: JoulesBySource, factors: Sequence[ScaleFactor]
) -> bool:
    """Whether the first costs less at some of the factors' values and more at others."""
    bands = {factor.source: (factor.low, factor.high) for factor in factors}
    least = most = 0.0
    for source in first.keys() | second.keys():
        more = first.get(source, 0.0) - second.get(source, 0.0)
        low, high = bands.get(source, (1.0, 1.0))
        least += min(low * more, high * more)
        most += max(low * more, high * more)
    size = LEAST_SHARE * math.fsum((*first.values(), *second.values()))
    return least < -size and most > size


def dependent_pairs(
    members: Sequence[int],
    rivals: Mapping[int, Iterable[int]],
    joules: Callable[[int], JoulesBySource],
    factors: Sequence[ScaleFactor],
) -> tuple[Pair, ...]:
    """The pairs of trials whose order in joules depends on the factors.

    Each is of a member of the front with another, or with one of its `rivals`.
    """
    if share_one_factor(factors):
        return ()
    compared = {_sorted(one, other) for one in members for other in members if one != other}
    compared |= {_sorted(one, other) for one in members for other in rivals.get(one, ())}
    return tuple(
        pair
        for pair in sorted(compared)
        if order_depends(joules(pair[0]), joules(pair[1]), factors)
    )


def factors_text(factors: Sequence[ScaleFactor], quality: str) -> str:
    """What is not known of all joules together."""
    if all(factor.is_known for factor in factors):
        return "The joules have no factor in common that is unknown."
    if len(factors) == 1:
        (one,) = factors
        return (
            f"All {quality} joules of this machine share one unknown factor between {one.low:.3g}"
            f" and {one.high:.3g}."
        )
    parts = "; ".join(factor.text for factor in factors)
    return f"The joules have no one factor in common: {parts}."


def orders_text(factors: Sequence[ScaleFactor], pairs: Sequence[Pair]) -> str:
    """Which configurations are cheaper or not, as the factors are; empty where those are known."""
    if all(factor.is_known for factor in factors):
        return ""
    if share_one_factor(factors):
        (one,) = factors
        return f"It does not change which configuration is cheaper{_if_alike(one)}."
    if not pairs:
        return "No order on the front depends on these factors."
    told = [f"{first} and {second}" for first, second in pairs[:MOST_PAIRS]]
    more = f", and {len(pairs) - MOST_PAIRS} pairs more" if len(pairs) > MOST_PAIRS else ""
    return f"Which is cheaper depends on these factors: trials {', '.join(told)}{more}."


def _if_alike(factor: ScaleFactor) -> str:
    """Counters of several boards have one band, and each board its own calibration within it."""
    if factor.quality == Quality.ESTIMATED or len(factor.domains) < 2:
        return ""
    return f", as far as it is the same for {_listed(factor.domains)}"


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _sorted(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)

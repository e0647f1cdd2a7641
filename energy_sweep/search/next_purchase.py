"""Which measurements lower the doubt of a front most per joule.

For each pair of a member and who may dominate it, the difference of their accuracies and that of
their log joules have a variance; a purchase takes a part of one of them away, and what is expected
to be known then is an integral over its outcomes (the value of information; Raiffa and Schlaifer
1961). The gains of the pairs are added up, which counts doubt that pairs share more than once: it
ranks purchases, and is no forecast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from energy_sweep.search.standing import MOST_LEARNED, Contests, Floats, Standing

# Pools that two configurations use alike to within this share of their joules decide nothing.
ALIKE = 0.005
# A turn goes over so many pools at most, so that the machine has not changed when it comes back.
MOST_POOLS = 8
# Where all that may be spent lowers the doubt by less than this share of it, nothing is bought.
WORTH = 0.01


@dataclass(frozen=True, slots=True)
class Turn:
    """A round of each of some pools, there and back, so that what drifts cancels."""

    pools: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreshSeed:
    """A training of a configuration from another seed."""

    configuration: int


Purchase = Turn | FreshSeed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offers:
    """What can be bought: a round of pool k costs `round_joules` [K] and gives `round_marks` [K], a
    seed of configuration i costs `seed_joules` [N]; infinite where it is not to be had."""

    round_joules: Floats
    round_marks: Floats
    seed_joules: Floats

    def price(self, purchase: Purchase) -> float:
        """Joules that a purchase is expected to take."""
        if isinstance(purchase, Turn):
            return 2 * float(self.round_joules[list(purchase.pools)].sum())
        return float(self.seed_joules[purchase.configuration])


def next_purchases(
    standing: Standing, offers: Offers, *, allowed: float, at_once: float
) -> list[Purchase]:
    """What to buy next for at most `allowed` joules, in turn the best per joule.

    It stops once `at_once` joules are reached, so that prices can be looked at anew, and holds no
    configuration twice. Empty where nothing that fits is worth it.
    """
    shop = _Shop(standing, offers)
    bought: list[Purchase] = []
    spent = 0.0
    while spent < at_once:
        best = shop.best(allowed - spent)
        if best is None:
            break
        shop.take(best)
        bought.append(best)
        spent += offers.price(best)
    return bought


class _Shop:
    """Purchases and what each would teach, given those that are taken already."""

    def __init__(self, standing: Standing, offers: Offers) -> None:
        self.offers = offers
        self.seed_joules = offers.seed_joules.copy()
        self.contests: Contests = standing.contests()
        self.marks, self.seeds = standing.marks.copy(), standing.seeds.copy()
        self.mark_variance = standing.mark_variance
        pairs = self.contests
        self.apart = standing.shares[pairs.member] - standing.shares[pairs.other]

    def best(self, allowed: float) -> Purchase | None:
        """The purchase with the highest gain per joule that fits and is worth it."""
        rates = [(self._rate(one, allowed), one) for one in self._candidates()]
        rate, best = max(rates, key=lambda pair: pair[0], default=(0.0, None))
        total = float(self.contests.loss.sum())
        return best if rate * allowed > WORTH * total else None

    def take(self, purchase: Purchase) -> None:
        """Count a purchase as made."""
        self.contests.learn(*self._learned(purchase))
        if isinstance(purchase, Turn):
            pools = list(purchase.pools)
            self.marks[pools] += 2 * self.offers.round_marks[pools]
        else:
            self.seeds[purchase.configuration] += 1
            self.seed_joules[purchase.configuration] = np.inf  # its price was that of this one seed

    def _rate(self, purchase: Purchase, allowed: float) -> float:
        price = self.offers.price(purchase)
        if isinstance(purchase, FreshSeed):
            price = float(self.seed_joules[purchase.configuration])
        if not 0 < price <= allowed:
            return 0.0
        return self.contests.gain(*self._learned(purchase)) / price

    def _candidates(self) -> Iterator[Purchase]:
        """Turns over the pools in which a pair differs, and seeds of those in pairs."""
        decides = (np.abs(self.apart) > ALIKE) & np.isfinite(self.offers.round_joules)
        sets = {tuple(np.flatnonzero(row).tolist()) for row in np.unique(decides, axis=0)}
        for pools in sorted(sets):
            if 0 < len(pools) <= MOST_POOLS:
                yield Turn(pools)
        for one in sorted({*self.contests.member.tolist(), *self.contests.other.tolist()}):
            yield FreshSeed(one)

    def _learned(self, purchase: Purchase) -> tuple[Floats, Floats]:
        """How much of the variances of each pair a purchase takes away: accuracy, joules."""
        pairs = self.contests
        nothing = np.zeros(len(pairs.member))
        if isinstance(purchase, FreshSeed):
            return self._by_seed(purchase.configuration), nothing
        pools = list(purchase.pools)
        before, more = self.marks[pools], 2 * self.offers.round_marks[pools]
        sharper = self.mark_variance[pools] * (1 / before - 1 / (before + more))
        learned = self.apart[:, pools] ** 2 @ sharper
        return nothing, np.minimum(learned, MOST_LEARNED * pairs.joules_variance)

    def _by_seed(self, configuration: int) -> Floats:
        """A seed of one side lowers its part of the variance, which is in inverse proportion to
        the seeds that it has."""
        pairs = self.contests
        mine, theirs = 1 / self.seeds[pairs.member], 1 / self.seeds[pairs.other]
        share = np.where(pairs.member == configuration, mine, 0.0)
        share += np.where(pairs.other == configuration, theirs, 0.0)
        return pairs.accuracy_variance * share / (mine + theirs) / (self.seeds[configuration] + 1)

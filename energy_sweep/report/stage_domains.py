"""What work costs in each metered domain: the shares of its price."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from energy_sweep.front.pools import clean_marks
from energy_sweep.front.prices import Prices
from energy_sweep.record import StageRecord, TrialResult

# Joules by domain.
ByDomain = Mapping[str, float]


def domain_prices(records: Iterable[StageRecord], prices: Prices) -> dict[str, ByDomain]:
    """By cost key, the joules of a unit in each domain: they add up to the price of its pool."""
    by_key = defaultdict[str, list[StageRecord]](list)
    for record in records:
        if record.marks:
            by_key[record.cost_key].append(record)
    found = dict[str, ByDomain]()
    for key, alike in by_key.items():
        pool, drawn = prices.pool(key), defaultdict[str, list[float]](list)
        for mark in clean_marks(alike):
            for part in mark.reading.domains:
                drawn[part.domain].append(part.joules)
        total = math.fsum(joules for parts in drawn.values() for joules in parts)
        if pool is not None and total > 0:
            factor = pool.joules_per_unit / total
            found[key] = {domain: factor * math.fsum(parts) for domain, parts in drawn.items()}
    return found


def stages_by_domain(
    results: Sequence[TrialResult], known: Mapping[str, ByDomain]
) -> dict[str, ByDomain | None]:
    """By stage, the joules of one of some results (a mean over them) in each domain.

    None where a part of a stage was never metered.
    """
    wanted = defaultdict[str, defaultdict[str, float]](lambda: defaultdict(float))
    for result in results:
        for use in result.stages:
            wanted[use.stage][use.cost_key] += use.units / len(results)
    found = dict[str, ByDomain | None]()
    for stage, units in wanted.items():
        if not units.keys() <= known.keys():
            found[stage] = None
            continue
        domains = dict.fromkeys(domain for key in units for domain in known[key])
        found[stage] = {
            domain: math.fsum(count * known[key].get(domain, 0.0) for key, count in units.items())
            for domain in domains
        }
    return found

"""Configurations whose price is not known, since readings that it rests on are damaged or gone."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.front.configurations import Configuration, configurations, price_list
from energy_sweep.front.prices import Prices
from energy_sweep.record import Objective, StudyRecord


def priced(study: StudyRecord, objective: Objective, prices: Prices) -> tuple[Configuration, ...]:
    """The measured configurations that have a price; that none of several has one is an error."""
    found = configurations(study, objective)
    known = tuple(one for one in found if _is_priced(one, prices))
    if found and not known:
        found[0].joules(prices)  # which says why not
    return known


def unpriced(study: StudyRecord, objective: Objective) -> tuple[int, ...]:
    """The trials that fronts leave out, since their configuration has no price."""
    prices = price_list(study)
    gone = (one for one in configurations(study, objective) if not _is_priced(one, prices))
    return tuple(sorted(trial.number for one in gone for trial, _ in one.runs))


def unpriced_text(numbers: Sequence[int]) -> str:
    """Says which trials have no price, and what gives them one; empty where all have."""
    if not numbers:
        return ""
    named = ", ".join(map(str, numbers))
    many, it = ("s", "they are") if len(numbers) > 1 else ("", "it is")
    return (
        f"trial{many} {named} cannot be priced, since readings are gone: {it} left out until the"
        " sweep measures them anew"
    )


def _is_priced(configuration: Configuration, prices: Prices) -> bool:
    return all(prices.pool(cost_key) is not None for cost_key in configuration.demand)

"""Graphs that an earlier study measured, at what the machine costs today.

What is common to all prices changes from day to day, and their ratios hardly do (docs/certainty.md,
"Prices"): so a price of then is taken times what a graph that was measured in both costs now over
what it cost then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from energy_sweep.front.detrending import BETWEEN_RUNS, Z95
from energy_sweep.front.pools import REMEMBERED
from energy_sweep.front.prices import Prices
from energy_sweep.meter.estimate import reprice
from energy_sweep.record import JsonDict, Mark, StageRecord
from energy_sweep.store import StageStore
from energy_sweep.trial.deployment.graph_memory import (
    LIKE,
    GraphPrices,
    RememberedGraph,
    remembered_prices,
    scaled_reading,
)


def new_graph_record(
    store: StageStore, key: str, like: str, *, remember: bool, parameters: int
) -> StageRecord:
    """The record of the graph `key` before it has a window here, of windows `like` those of others.

    Where that is to be remembered, it has the price that an earlier study found, and the kinds of
    weights that were compared there.
    """
    kinds = _compared(store, key) if remember else ()
    facts: JsonDict = {LIKE: like, "users": [], "apart": [], "compared": list(kinds)}
    fresh = StageRecord(stage="infer", key=key, cost_key=key, facts=facts)
    found = _recalled(store, key, like) if remember else None
    made = fresh if found is None else found
    return replace(made, facts={**facts, **made.facts, "parameters": parameters})


def is_remembered(record: StageRecord) -> bool:
    """Whether the price of a graph is that of an earlier study."""
    return REMEMBERED in record.facts


def _recalled(store: StageStore, key: str, like: str) -> StageRecord | None:
    """The graph at what it costs now, None where no study had both it and one that was measured
    here beside no other program."""
    here = dict(_measured_here(store, like))
    for prices in remembered_prices(store.meter_id) if here else ():
        found = prices.of(key)
        known = [one for one in map(prices.of, here) if one is not None and one.like == like]
        if found is not None and found.like == like and known:
            return _at_today(found, known[0], here[known[0].key], prices, store)
    return None


def _compared(store: StageStore, key: str) -> tuple[str, ...]:
    """Kinds of weights of which an earlier study found that they cost the same in a graph."""
    found = (prices.of(key) for prices in remembered_prices(store.meter_id))
    return next((one.kinds for one in found if one is not None), ())


def _measured_here(store: StageStore, like: str) -> Iterator[tuple[str, list[StageRecord]]]:
    """The graphs that this study has measured itself with some settings, first ones first."""
    own = [one for one in store.records().values() if one.marks and one.elsewhere is None]
    graphs = [one for one in own if one.stage == "infer" and one.facts.get(LIKE) == like]
    for graph in sorted(graphs, key=lambda record: record.marks[0].reading.started or 0.0):
        if not any(mark.reading.contended for mark in graph.marks):
            yield graph.key, [one for one in own if one.cost_key == graph.cost_key]


def _at_today(
    found: RememberedGraph,
    beside: RememberedGraph,
    now: list[StageRecord],
    prices: GraphPrices,
    store: StageStore,
) -> StageRecord:
    """One mark of `found`, at its ratio to a graph that `now` has the records of."""
    measured = Prices(now).pool(beside.key)
    assert measured is not None
    scale = measured.joules_per_unit / reprice(beside.reading, store.coefficients).joules
    # By how much the other one is off today, this one is too: `Pool.beside`.
    log_sd = math.hypot(found.log_sd, beside.log_sd, BETWEEN_RUNS * prices.noise)
    reading = scaled_reading(reprice(found.reading, store.coefficients), scale * found.images)
    together = reading.joules / math.hypot(*(part.joules for part in reading.domains))
    domains = tuple(
        replace(part, uncertainty_joules=Z95 * log_sd * together * part.joules)
        for part in reading.domains
    )
    # Seconds have a scale of their own, which joules do not tell.
    reading = replace(reading, domains=domains, seconds=found.images * found.reading.seconds)
    earlier: JsonDict = {"made": prices.made, "beside": beside.key, "log_sd": log_sd}
    return StageRecord(
        stage="infer",
        key=found.key,
        cost_key=found.key,
        marks=(Mark(units=found.images, reading=reading),),
        elsewhere=f"an earlier study, {prices.made}",
        facts={REMEMBERED: earlier, "compared": list(found.kinds)},
    )

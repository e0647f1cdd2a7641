"""What an image costs through graphs that a study measured, kept for later ones of this user.

One file for each store in the user's cache folder, read as written by anybody: it holds numbers,
and names of graphs.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.front.detrending import Detrended
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import Prices
from energy_sweep.meter.replay import DOMAIN as REPLAYED
from energy_sweep.record import EnergyReading, StageRecord, digest, from_json, to_json
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged, parse, seal, unseal
from energy_sweep.record.user_folders import cache_folder
from energy_sweep.store import StageStore

log = logging.getLogger(__name__)

MOST_BYTES = 2**20
MOST_LISTS = 32  # of which the newest is asked first
LIKE = "like"  # the fact that names the settings of a graph's windows, but for the graph


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedGraph:
    """One image through the graph `key`, read in windows `like` those of others, of `images` a
    mark; `kinds` of weights were found to cost the same. `log_sd` is the standard deviation of the
    logarithm of its price beside others of that run."""

    key: str
    like: str
    images: float
    reading: EnergyReading
    log_sd: float
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.reading.joules > 0 and self.reading.seconds > 0 and self.images > 0):
            raise Damaged("a price in it is none")
        if not self.log_sd >= 0:
            raise Damaged("an uncertainty in it is none")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPrices:
    """The graphs of one store as they were when the list was `made`; the logarithm of a mark has
    the standard deviation `noise`."""

    made: str
    noise: float
    graphs: tuple[RememberedGraph, ...]

    def __post_init__(self) -> None:
        datetime.date.fromisoformat(self.made)
        if not self.noise >= 0:
            raise Damaged("its noise is none")

    def of(self, key: str) -> RememberedGraph | None:
        """What is known of a graph."""
        return next((one for one in self.graphs if one.key == key), None)


def remember_graphs(store: StageStore, domains: tuple[str, ...]) -> None:
    """Keep what the graphs of a store cost, as read by a meter of these domains.

    Nothing is kept of a replay, of windows that other programs disturbed, or of one graph alone.
    """
    folder = _folder(store.meter_id)
    if REPLAYED in domains or folder is None:
        return
    prices = Prices(store.records().values(), detrended=True)
    told = list(_told(store, prices))
    likes = Counter(one.like for one in told)
    graphs = tuple(one for one in told if likes[one.like] > 1)
    if prices.trend is None or not graphs or not prices.trend.noise >= 0:
        return
    made = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = GraphPrices(made=made, noise=prices.trend.noise, graphs=graphs)
    name = digest(str(store.root.absolute()))[:32]
    with suppress(OSError):
        write_whole(folder / f"{name}.json", json.dumps(seal(to_json(found))), durable=False)


def remembered_prices(meter_id: str) -> Iterator[GraphPrices]:
    """What studies with this kind of meter found, the newest first.

    Damaged files are named and passed over.
    """
    folder, paths = _folder(meter_id), list[tuple[float, Path]]()
    with suppress(OSError):
        if folder is not None:
            paths = [(path.stat().st_mtime, path) for path in folder.glob("[!.]*.json")]
    for _, path in sorted(paths, reverse=True)[:MOST_LISTS]:
        try:
            yield _read(path)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, Damaged) as error:
            why = " ".join(str(error).split())[:150]
            log.warning("%s: remembered prices are damaged (%s), and not taken", path, why)


def _told(store: StageStore, prices: Prices) -> Iterator[RememberedGraph]:
    """Graphs that were measured here, clean, and cost the same whatever their weights."""
    trend = prices.trend
    for record in store.records().values():
        pool, facts = prices.pool(record.cost_key), record.facts
        if trend is None or record.stage != "infer" or record.elsewhere is not None:
            continue
        if pool is None or pool.contended or pool.joules_per_unit <= 0:
            continue
        if LIKE in facts and not facts.get("apart") and record.cost_key in trend.keys:
            with suppress(Damaged):  # what no drift was found of
                yield _graph(record, pool, trend)


def _graph(record: StageRecord, pool: Pool, trend: Detrended) -> RememberedGraph:
    place, facts = trend.keys.index(record.cost_key), record.facts
    several = len(facts.get("users", ())) > 1
    return RememberedGraph(
        key=record.key,
        like=facts[LIKE],
        images=max(mark.units for mark in record.marks),
        reading=_one_image(record, pool),
        log_sd=float(np.sqrt(np.maximum(trend.covariance[place, place], 0.0))),
        kinds=tuple(facts.get("kinds", ())) if several else (),
    )


def _one_image(record: StageRecord, pool: Pool) -> EnergyReading:
    """What an image took, in the proportions of a clean reading of its graph."""
    readings = [mark.reading for mark in record.marks]
    reading = next((one for one in readings if not one.contended), readings[0])
    scaled = scaled_reading(reading, pool.joules_per_unit / reading.joules)
    return replace(scaled, seconds=pool.seconds_per_unit)


def scaled_reading(reading: EnergyReading, factor: float) -> EnergyReading:
    """A reading of so many times the joules, without its place in time; its seconds stay."""
    parts = tuple(
        replace(
            part,
            joules=factor * part.joules,
            uncertainty_joules=factor * part.uncertainty_joules,
            edge_joules=0.0,
        )
        for part in reading.domains
    )
    terms = {name: factor * value for name, value in reading.terms.items()}
    return EnergyReading(domains=parts, seconds=reading.seconds, terms=terms, contended=False)


def _folder(meter_id: str) -> Path | None:
    with suppress(RuntimeError):  # where the user has no home
        return cache_folder() / "graphs" / meter_id
    return None


def _read(path: Path) -> GraphPrices:
    if path.stat().st_size > MOST_BYTES:
        raise Damaged("the file is too large")
    document: Any
    document, is_sealed = unseal(parse(read_file(path)))
    if not is_sealed:
        raise Damaged("it is not what was written here")
    return from_json(GraphPrices, document)

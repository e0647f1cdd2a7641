"""What constraints limit, of one trial or of several seeds of a configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import demand
from energy_sweep.record import Objective, StageRecord, TrialResult
from energy_sweep.record.latencies import Latency, latency_in, latency_key

IMAGE = Objective(name="inference")

GetPool = Callable[[str], Pool | None]


@dataclass(frozen=True, slots=True)
class LimitedFigures:
    """Accuracy, joules of the objective and of one image, size of the file, seconds of one image
    alone; None where that was not measured."""

    accuracy: float
    joules: float
    joules_per_image: float | None = None
    file_bytes: int | None = None
    latency_seconds: float | None = None


def limited_figures(
    accuracy: float, joules: float, results: Sequence[TrialResult], pool: GetPool
) -> LimitedFigures:
    """The figures of results whose accuracy and joules are known, a mean over them."""
    return LimitedFigures(
        accuracy=accuracy,
        joules=joules,
        joules_per_image=_joules_per_image(results, pool),
        file_bytes=file_bytes(results),
        latency_seconds=latency_seconds(results, pool),
    )


def _joules_per_image(results: Sequence[TrialResult], pool: GetPool) -> float | None:
    uses = [use for result in results for use in demand(result, IMAGE).items()]
    pools = [(pool(key), units) for key, units in uses]
    known = [units * one.joules_per_unit for one, units in pools if one is not None]
    return math.fsum(known) / len(results) if known and len(known) == len(pools) else None


def file_bytes(results: Sequence[TrialResult]) -> int | None:
    """The largest of the deployed files; None where none is known."""
    sizes = (result.facts.get("bytes") for result in results)
    return max((size for size in sizes if isinstance(size, int)), default=None)


def latency_seconds(results: Sequence[TrialResult], pool: GetPool) -> float | None:
    """Seconds that one image alone takes, a mean over seeds; None where that is not known."""
    keys = [result.facts.get("inference", {}).get("1") for result in results]
    pools = [None if key is None else pool(key) for key in keys]
    known = [one.seconds_per_unit for one in pools if one is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(pools) else None


def operations(results: Sequence[TrialResult]) -> int | None:
    """The most multiply-accumulates of one image through any of the nets; None where not known."""
    known = (result.facts.get("macs") for result in results)
    return max((macs for macs in known if isinstance(macs, int)), default=None)


def latency(results: Sequence[TrialResult], records: Mapping[str, StageRecord]) -> Latency | None:
    """How long one image alone took, run by run, in the first of the graphs that was timed so."""
    for result in results:
        graph = result.facts.get("inference", {}).get("1")
        record = None if graph is None else records.get(latency_key(graph))
        if record is not None and (found := latency_in(record.facts)) is not None:
            return found
    return None


def file_figures(
    results: Sequence[TrialResult], pool: GetPool, records: Mapping[str, StageRecord]
) -> dict[str, Any]:
    """The fields of a row that tell of the deployed file and of how long one image takes in it."""
    alone = latency(results, records)
    return {
        "file_bytes": file_bytes(results),
        "macs": operations(results),
        "latency_seconds": latency_seconds(results, pool),
        "latency_p50_seconds": None if alone is None else alone.p50_seconds,
        "latency_p95_seconds": None if alone is None else alone.p95_seconds,
        "latency_runs": None if alone is None else alone.runs,
    }

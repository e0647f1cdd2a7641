"""One image alone, timed run after run, which windows of many images cannot tell."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from energy_sweep.record import StageRecord, StageUse, to_json
from energy_sweep.record.latencies import FACT, Latency, latency_key
from energy_sweep.trial.deployment.benchmark import InferenceBenchmark

# As many runs as fit into this time by what the windows say, within limits: of 20, the 95th
# percentile is the slowest but one.
SECONDS, LEAST_RUNS, MOST_RUNS = 0.25, 20, 200
WARM_RUNS = 3


def measure_latency(stand: InferenceBenchmark, open_graph: Callable[[], Path]) -> str:
    """The key of the record of runs one by one of the graph of a stand for single images.

    They are on the bill, and price nothing.
    """
    key = latency_key(stand.key)
    use = StageUse(stage="calibrate", key=key, cost_key=key, units=0)
    stand.store.once(use, lambda _: _timed(stand, key, open_graph()))
    return key


def _timed(stand: InferenceBenchmark, key: str, path: Path) -> StageRecord:
    inference = stand.inference
    session = inference.runtime.open(path, inference.threads)
    known = min(len(inference.images), MOST_RUNS)
    images = itertools.cycle([inference.images[place : place + 1] for place in range(known)])
    runs = _run_count(stand)
    for _ in range(WARM_RUNS):
        session.predict(next(images), 1)
    seconds = list[float]()
    with stand.meter.window(inference.work) as window:
        for image in itertools.islice(images, runs):
            began = time.perf_counter()
            session.predict(image, 1)
            seconds.append(time.perf_counter() - began)
        mark = window.mark(units=runs, images=runs)
    half, most = np.percentile(seconds, (50, 95))
    found = Latency(
        p50_seconds=float(half),
        p95_seconds=float(most),
        runs=runs,
        contended=mark.reading.contended,
    )
    facts = {FACT: to_json(found)}
    return StageRecord(stage="calibrate", key=key, cost_key=key, marks=(mark,), facts=facts)


def _run_count(stand: InferenceBenchmark) -> int:
    """How many runs fit: by the windows, so that a replayed study does the same again."""
    seconds = sum(mark.reading.seconds for mark in stand.record.marks)
    units = sum(mark.units for mark in stand.record.marks)
    fit = SECONDS * units / seconds if seconds else MOST_RUNS
    return round(min(MOST_RUNS, max(LEAST_RUNS, fit)))

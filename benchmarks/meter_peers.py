"""The jobs of `benchmarks.meter_jobs` with CodeCarbon and Zeus; prints one JSON line.

Run as a file by an interpreter that has these packages, and needs none of ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.meter_jobs import pin, short_children, spin

JOULES_PER_KWH = 3.6e6


def codecarbon_start() -> dict[str, Any]:
    """Seconds until a tracker of a fresh process has started, imports apart."""
    begun = time.perf_counter()
    tracker, imported, cpu = _tracker("machine")
    return {
        "import_seconds": imported - begun,
        "start_seconds": time.perf_counter() - imported,
        "start_cpu_seconds": time.process_time() - cpu,
        "said": str(tracker.stop()),
    }


def zeus_start() -> dict[str, Any]:
    """The same for a monitor with its first window."""
    begun = time.perf_counter()
    from zeus.monitor import ZeusMonitor  # pyright: ignore

    imported, cpu = time.perf_counter(), time.process_time()
    monitor = ZeusMonitor()
    monitor.begin_window("idle")
    return {
        "import_seconds": imported - begun,
        "start_seconds": time.perf_counter() - imported,
        "start_cpu_seconds": time.process_time() - cpu,
        "said": str(monitor.end_window("idle")),
    }


def codecarbon_children(count: int, seconds: float) -> dict[str, Any]:
    """CPU seconds of short children, by its joules and its own watts per core."""
    tracker, *_ = _tracker("process")
    watts_per_core = _cpu(tracker)._tdp / _cpu(tracker)._cpu_count
    said = short_children(count, seconds)
    return {"cpu_seconds": _cpu_joules(tracker) / watts_per_core, "said_seconds": said}


def codecarbon_work(loops: int) -> dict[str, Any]:
    """Its joules of the CPU for some loops on one core; it does not tell who else was there."""
    tracker, *_ = _tracker("machine")
    pin()
    begun = time.perf_counter()
    spin(loops)
    seconds = time.perf_counter() - begun
    return {"joules": _cpu_joules(tracker), "seconds": seconds, "contended": None}


def _tracker(mode: str) -> tuple[Any, float, float]:
    """A tracker that has started, the moment its import was over, and CPU seconds then."""
    from codecarbon import OfflineEmissionsTracker  # pyright: ignore

    imported, cpu = time.perf_counter(), time.process_time()
    tracker = OfflineEmissionsTracker(
        country_iso_code="FRA",
        tracking_mode=mode,
        measure_power_secs=1,
        force_mode_cpu_load=True,
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    tracker.start()
    return tracker, imported, cpu


def _cpu_joules(tracker: Any) -> float:
    tracker.stop()
    return tracker.final_emissions_data.cpu_energy * JOULES_PER_KWH


def _cpu(tracker: Any) -> Any:
    return next(part for part in tracker._hardware if type(part).__name__ == "CPU")


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    job.__name__: job
    for job in (codecarbon_start, zeus_start, codecarbon_children, codecarbon_work)
}

if __name__ == "__main__":
    if importlib.util.find_spec(sys.argv[1].partition("_")[0]) is None:
        print(json.dumps(None))
    else:
        print(json.dumps(JOBS[sys.argv[1]](*json.loads(sys.argv[2]))), flush=True)
        os._exit(0)  # what a peer still does in the background is not waited for

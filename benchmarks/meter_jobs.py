"""What `benchmarks.meter` runs in processes of their own, one job each; prints one JSON line."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

# A child that says what it has used, and has nothing left to do then.
CHILD = """
import os, time
while time.process_time() < {seconds}: pass
print(time.process_time(), flush=True)
os._exit(0)
"""


def start(spec: dict[str, Any]) -> dict[str, Any]:
    """Seconds until the first window of a fresh process is open, imports apart."""
    begun = time.perf_counter()
    import energy_sweep.meter.choose  # noqa: F401  (open_meter imports it when it is needed)
    from energy_sweep.meter import Work, open_meter

    imported, cpu = time.perf_counter(), time.process_time()
    meter = open_meter(spec)
    with meter.window(Work(stage="idle", images=1, parameters=0)):
        opened, used = time.perf_counter(), time.process_time()
        time.sleep(0.01)
    return {
        "import_seconds": imported - begun,
        "start_seconds": opened - imported,
        "start_cpu_seconds": used - cpu,
    }


def edges(spec: dict[str, Any], children: int, work_seconds: float) -> dict[str, Any]:
    """Median seconds of an edge, after work that takes a few ticks: edges then wait for none."""
    from energy_sweep.meter import Work, open_meter

    alive = [subprocess.Popen(["sleep", "60"]) for _ in range(children)]
    wall: list[float] = []
    cpu: list[float] = []
    with open_meter(spec).window(Work(stage="idle", images=1, parameters=0)) as window:
        for _ in range(100):
            until = time.perf_counter() + work_seconds
            while time.perf_counter() < until:
                pass
            begun, used = time.perf_counter(), time.process_time()
            window.mark()
            cpu.append(time.process_time() - used)
            wall.append(time.perf_counter() - begun)
    for child in alive:
        child.kill()
    return {
        "edge_seconds": statistics.median(wall),
        "edge_cpu_seconds": statistics.median(cpu),
        "slowest_edge_seconds": max(wall),
    }


def idle(spec: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
    """CPU seconds per second of a process that sleeps in an open window (None: in none)."""
    from energy_sweep.meter import Work, open_meter

    work = Work(stage="idle", images=1, parameters=0)
    with nullcontext() if spec is None else open_meter(spec).window(work):
        begun, used = time.perf_counter(), time.process_time()
        time.sleep(seconds)
        used, passed = time.process_time() - used, time.perf_counter() - begun
    return {"share": used / passed}


def children(count: int, seconds: float) -> dict[str, Any]:
    """CPU seconds of short children, as the estimate counts them and as they say."""
    from energy_sweep.meter import Work, open_meter

    with open_meter("estimate").window(Work(stage="idle", images=1, parameters=0)) as window:
        said = short_children(count, seconds)
    return {"cpu_seconds": window.marks[0].reading.terms["cpu_seconds"], "said_seconds": said}


def short_children(count: int, seconds: float) -> float:
    """Run children one after the other; the CPU seconds that they say they used."""
    command = [sys.executable, "-c", CHILD.format(seconds=seconds)]
    return sum(float(subprocess.check_output(command)) for _ in range(count))


def work(loops: int) -> dict[str, Any]:
    """Joules of some loops on one core, and whether others were seen meanwhile."""
    from energy_sweep.meter import Work, open_meter

    pin()
    with open_meter("estimate").window(Work(stage="idle", images=1, parameters=0)) as window:
        spin(loops)
    reading = window.marks[0].reading
    return {
        "joules": reading.joules,
        "seconds": reading.seconds,
        "contended": reading.contended,
        "foreign": reading.foreign.get("cpu"),
    }


def rival(seconds: float) -> dict[str, Any]:
    """Keep the core of `work` busy."""
    pin()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return {}


def pin() -> None:
    """Stay on the last core, where there is the least of others."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def spin(loops: int) -> None:
    """The same work each time."""
    total = 0
    for index in range(loops):
        total += index * index


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    job.__name__: job for job in (start, edges, idle, children, work, rival)
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*json.loads(sys.argv[2]))))

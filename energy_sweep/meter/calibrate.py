"""Watts of this machine's estimate, fitted to what a wall plug shows under known loads.

    watts = idle + watts per core x CPU seconds/s + watts per GiB x GiB x CPU seconds per thread/s

The terms are those of the estimate's own readings, so the fitted watts mean what its settings mean.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from energy_sweep.meter import Work, open_meter
from energy_sweep.meter.estimate.watts import MEMORY_WATTS_PER_GIB
from energy_sweep.record import BadInput, EnergyReading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GIB = 2**30
MOST_RESIDENT_GIB = 4.0
# Of the memory that is free: the rest of the machine must not start to swap.
RESIDENT_SHARE = 0.5
# Small enough for a core's own cache and for one thread, many of them so that threads rarely meet.
MATRIX, BATCH = 48, 256
STRIDE = 16 * 2**20
# Terms (cores, GiB) that differ by less between readings are no more than noise of a plug.
LEAST_TERM = 0.1
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A load to hold: busy `threads`, which keep going through `gib` of memory."""

    name: str
    what: str
    threads: int
    gib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugReading:
    """Mean watts at the plug over a phase, and the estimate's terms per second of it."""

    phase: str
    watts: float
    cpu_seconds_per_second: float
    gib_cpu_seconds_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Fitted watts; `cpu_watts_error` is a standard error with `degrees` of freedom.

    `memory_watts_per_gib` is None where the readings do not tell it: the published figure stays.
    The error is None where no reading is left to judge the fit by.
    """

    idle_watts: float
    cpu_watts_per_core: float
    memory_watts_per_gib: float | None
    cpu_watts_error: float | None
    degrees: int


def phases(cores: int, free_bytes: int) -> tuple[Phase, ...]:
    """The loads of one round, for a machine of so many logical CPUs and free memory."""
    gib = round(min(MOST_RESIDENT_GIB, RESIDENT_SHARE * free_bytes / GIB), 1)
    several = f"all {cores} cores busy"
    memory = Phase(name="memory", what=f"{several} on {gib:g} GiB", threads=cores, gib=gib)
    return (
        Phase(name="idle", what="nothing runs", threads=0),
        Phase(name="one", what="one core busy", threads=1),
        *([Phase(name="all", what=several, threads=cores)] if cores > 1 else []),
        *([memory] if gib >= LEAST_TERM else []),
    )


def hold_load(phase: Phase, seconds: float) -> EnergyReading:
    """Hold a load for so long; the reading of the estimate has its terms."""
    # Memory counts from here, and is shared by as many threads as the phase has.
    meter = open_meter("estimate", threads=max(phase.threads, 1))
    try:
        with _keep_load(phase):
            work = Work(stage="calibrate", images=1, parameters=0, label=phase.name)
            with meter.window(work) as window:
                time.sleep(seconds)
        return window.marks[0].reading
    finally:
        meter.close()


def plug_reading(phase: Phase, reading: EnergyReading, watts: float) -> PlugReading:
    """What the plug showed, beside what the estimate counted."""
    return PlugReading(
        phase=phase.name,
        watts=watts,
        cpu_seconds_per_second=reading.terms["cpu_seconds"] / reading.seconds,
        gib_cpu_seconds_per_second=reading.terms["gib_cpu_seconds"] / reading.seconds,
        seconds=reading.seconds,
    )


def fit(readings: Sequence[PlugReading]) -> Fit:
    """Least squares with no watts below 0; BadInput where the readings cannot tell them."""
    rows = [[1.0, one.cpu_seconds_per_second, one.gib_cpu_seconds_per_second] for one in readings]
    watts = [one.watts for one in readings]
    tells_memory = _rank(rows) == 3
    if not tells_memory:
        watts = [w - MEMORY_WATTS_PER_GIB * row[2] for w, row in zip(watts, rows, strict=True)]
        rows = [row[:2] for row in rows]
        if _rank(rows) < 2:
            raise BadInput(
                "one load tells nothing of the watts of a core:"
                " give the plug's watts of the idle phase and of a busy one at least"
            )
    solution = _non_negative(rows, watts)
    idle, cpu, *memory = solution.watts
    if not cpu > 0:
        raise BadInput(
            "the plug showed no more watts under load than idle: give the mean of each phase,"
            " and let nothing else run meanwhile"
        )
    return Fit(
        idle_watts=idle,
        cpu_watts_per_core=cpu,
        memory_watts_per_gib=memory[0] if tells_memory else None,
        cpu_watts_error=solution.errors[1],
        degrees=solution.degrees,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    watts: list[float]
    errors: list[float | None]
    degrees: int
    residual: float


def _non_negative(rows: list[list[float]], values: list[float]) -> _Solution:
    """The least squares without a negative part: the best of those that hold some parts at 0."""
    columns = range(len(rows[0]))
    found = [
        _least_squares(rows, values, free)
        for count in columns
        for free in itertools.combinations(columns, count + 1)
    ]
    allowed = [solution for solution in found if min(solution.watts) >= 0]
    if not allowed:
        raise BadInput("the plug's watts are 0 or below: give what it showed, such as 41.2")
    return min(allowed, key=lambda solution: solution.residual)


def _least_squares(
    rows: list[list[float]], values: list[float], free: tuple[int, ...]
) -> _Solution:
    import numpy as np

    matrix = np.array(rows)[:, free]
    target = np.array(values)
    part = np.linalg.lstsq(matrix, target, rcond=None)[0]
    residual = float(np.sum((matrix @ part - target) ** 2))
    degrees = len(values) - len(free)
    watts: list[float] = [0.0] * len(rows[0])
    errors: list[float | None] = [None] * len(rows[0])
    variances = np.diag(np.linalg.pinv(matrix.T @ matrix))
    for column, value, variance in zip(free, part, variances, strict=True):
        watts[column] = float(value)
        errors[column] = math.sqrt(residual / degrees * float(variance)) if degrees else None
    return _Solution(watts=watts, errors=errors, degrees=degrees, residual=residual)


def _rank(rows: list[list[float]]) -> int:
    """How many of the columns tell something of their own, beyond what no plug would show."""
    import numpy as np

    return int(np.linalg.matrix_rank(np.array(rows), tol=LEAST_TERM)) if rows else 0


def free_bytes() -> int:
    """Memory that can be taken without harm, within the limit of a container."""
    free = psutil.virtual_memory().available
    try:
        limit, used = ((CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
        return min(free, int(limit) - int(used))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free


@contextmanager
def _keep_load(phase: Phase) -> Generator[None]:
    """Keep the load of a phase up while the body runs."""
    import numpy as np

    size = int(phase.gib * GIB)
    block = np.ones(size, dtype=np.uint8)  # ones, and not zeros, which take no memory
    stop = threading.Event()
    parts = np.array_split(block, max(phase.threads, 1))
    threads = [
        threading.Thread(target=_burn, args=(stop, part), daemon=True)
        for part in parts[: phase.threads]
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _burn(stop: threading.Event, memory: NDArray[np.uint8]) -> None:
    """Multiply matrices as training does, and walk through `memory` meanwhile."""
    import numpy as np

    left = np.random.default_rng(0).random((BATCH, MATRIX, MATRIX), dtype=np.float32)
    product = np.empty_like(left)
    place = 0
    while not stop.is_set():
        np.matmul(left, left, out=product)
        if memory.size:
            memory[place : place + STRIDE] += 1
            place = (place + STRIDE) % memory.size

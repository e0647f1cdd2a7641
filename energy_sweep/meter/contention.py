"""What other programs do to the machine while a window is open."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from energy_sweep.meter.process import ProcessTree, busy_seconds

# Below this the ticks of the machine's own clock (10 ms) are coarser than 5 % of the processors.
SHORTEST_LOAD_SECONDS = 0.2
CONTENDED_SHARE = 0.05

# Shares of each GPU (0 to 1) that processes outside a tree of processes use, by domain.
GpuLoad = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """What was seen since the last look; see EnergyReading."""

    contended: bool | None
    foreign: Mapping[str, float] = field(default_factory=dict[str, float])
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What this process tree and the whole machine have worked up to `seconds`."""

    seconds: float
    cpu_seconds: float
    busy_seconds: float


class ContentionMonitor:
    """Watches the processors, and with `gpus` the GPUs, for programs outside this process tree."""

    def __init__(self, tree: ProcessTree, gpus: GpuLoad | None = None) -> None:
        self._tree = tree
        self._gpus = gpus

    def begin(self) -> Callable[[], Contention]:
        """Give a function that tells what others did since it was last called."""
        last = self._moment()
        verdict: bool | None = None
        foreign: dict[str, float] = {}

        def look() -> Contention:
            nonlocal last, verdict, foreign
            resident = self._tree.resident_bytes()
            # Reading the load of all processors is expensive, so it is done once for several short
            # marks: until the next reading they share the last verdict of this window.
            if time.monotonic() - last.seconds >= SHORTEST_LOAD_SECONDS:
                now = self._moment()
                foreign = {"cpu": foreign_share(last, now), **(self._gpus() if self._gpus else {})}
                verdict = any(share > CONTENDED_SHARE for share in foreign.values())
                last = now
            return Contention(contended=verdict, foreign=foreign, resident_bytes=resident)

        return look

    def _moment(self) -> Moment:
        return Moment(time.monotonic(), self._tree.cpu_seconds(), busy_seconds())


def foreign_share(start: Moment, end: Moment) -> float:
    """The share of all processors that others used between two moments, 0 to 1."""
    wall = end.seconds - start.seconds
    others = (end.busy_seconds - start.busy_seconds) - (end.cpu_seconds - start.cpu_seconds)
    return min(max(others / (wall * (os.cpu_count() or 1)), 0.0), 1.0) if wall > 0 else 0.0

"""What this process and its children have used of the machine, at the edges of a window."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

# Below this the ticks of the machine's own clock (10 ms) are coarser than 5 % of the processors.
SHORTEST_LOAD_SECONDS = 0.2
CONTENDED_SHARE = 0.05
CHILD_TICK_SECONDS = 0.01
OWN_TICK_SECONDS = 1e-6
# Linux counts guests in `user` already; kinds that a platform does not have count as 0.
BUSY_KINDS = ("user", "nice", "system", "irq", "softirq", "steal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Counters of one moment: `cpu_seconds` of the whole tree, `busy_seconds` of the machine.

    Time that a hypervisor gave to other virtual machines counts as busy. `tick_seconds` is the
    resolution of `cpu_seconds`: coarse only while children are alive.
    """

    seconds: float
    cpu_seconds: float
    tick_seconds: float
    resident_bytes: int
    busy_seconds: float


class ProcessTree:
    """Counters of the process it is made in, children included that are dead and waited for."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def edge(self) -> Edge:
        """Read everything now, in well under a millisecond where there are no live children."""
        reaped, attempts = _reaped_cpu_seconds(), 3
        while True:
            live, tick, resident = self._live_children()
            own = time.process_time()
            before, reaped = reaped, _reaped_cpu_seconds()
            attempts -= 1
            # A child that was reaped between these reads would count twice, or not at all.
            if reaped == before or attempts == 0:
                break
        return Edge(
            seconds=time.monotonic(),
            cpu_seconds=own + reaped + live,
            tick_seconds=tick,
            resident_bytes=self._process.memory_info().rss + resident,
            busy_seconds=_busy_seconds(),
        )

    def _live_children(self) -> tuple[float, float, int]:
        """CPU seconds, their resolution and resident bytes of the descendants alive now."""
        cpu_seconds, resident, count = 0.0, 0, 0
        if not _childless():
            for child in self._process.children(recursive=True):
                with suppress(psutil.Error):
                    times = child.cpu_times()
                    cpu_seconds += times.user + times.system
                    # What a child has reaped itself, where the platform tells.
                    cpu_seconds += getattr(times, "children_user", 0.0)
                    cpu_seconds += getattr(times, "children_system", 0.0)
                    resident += child.memory_info().rss
                    count += 1
        return cpu_seconds, max(CHILD_TICK_SECONDS * count, OWN_TICK_SECONDS), resident


def contended(start: Edge, end: Edge) -> bool | None:
    """Whether others used over 5 % of the processors between two edges; None if too short."""
    wall = end.seconds - start.seconds
    if wall < SHORTEST_LOAD_SECONDS:
        return None
    others = (end.busy_seconds - start.busy_seconds) - (end.cpu_seconds - start.cpu_seconds)
    return others > CONTENDED_SHARE * wall * (os.cpu_count() or 1)


def _childless() -> bool:
    """True where the kernel knows of no child, live or unreaped: a microsecond, not a scan."""
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _reaped_cpu_seconds() -> float:
    if sys.platform == "win32":
        return 0.0  # Windows keeps no account of dead children
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return sum(getattr(times, kind, 0.0) for kind in BUSY_KINDS)

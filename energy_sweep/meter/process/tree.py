"""What this process and its children have used of the machine, at the edges of a window."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass

import psutil

from energy_sweep.meter.process.descendants import Descendants, PsutilDescendants
from energy_sweep.meter.process.proc import ProcDescendants, has_proc

OWN_TICK_SECONDS = 1e-6
# Linux counts guests in `user` already; kinds that a platform does not have count as 0.
BUSY_KINDS = ("user", "nice", "system", "irq", "softirq", "steal")
BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)  # of the same kinds in /proc/stat, after its first word


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Counters of one moment: `cpu_seconds` of the whole tree, to within `tick_seconds`.

    Other threads of this process that run at this very moment are read up to a scheduler's tick
    late on top of it; at the end of work they rest.
    """

    cpu_seconds: float
    tick_seconds: float
    resident_bytes: int


class ProcessTree:
    """Counters of the process it is made in, children included that are dead and waited for.

    A descendant whose parent ended before it is nobody's child: what it had used at the last edge
    stays counted, and what it uses later is not. `descendants` says how they are read, by default
    in the cheapest way there is.
    """

    def __init__(self, descendants: Descendants | None = None) -> None:
        self._pid = pid = os.getpid()
        self._descendants = descendants or (
            ProcDescendants(pid) if has_proc(pid) else PsutilDescendants(pid)
        )
        self._lock = threading.Lock()
        self._last = Edge(cpu_seconds=0.0, tick_seconds=0.0, resident_bytes=0)
        self._departed_seconds = 0.0

    def edge(self) -> Edge:
        """Read everything now; never fewer CPU seconds than at the edge before."""
        with self._lock:
            usage = self._descendants.usage()
            tick = max(usage.tick_seconds, OWN_TICK_SECONDS)
            now = time.process_time() + usage.cpu_seconds + self._departed_seconds
            missing = self._last.cpu_seconds - now
            if usage.settled and missing > max(tick, self._last.tick_seconds):
                self._departed_seconds += missing
            self._last = Edge(
                cpu_seconds=max(now, self._last.cpu_seconds),
                tick_seconds=tick,
                resident_bytes=self._descendants.resident_bytes([self._pid, *usage.pids]),
            )
            return self._last

    def cpu_seconds(self) -> float:
        """CPU seconds of the tree so far."""
        return self.edge().cpu_seconds

    def resident_bytes(self) -> int:
        """Resident bytes of the tree now."""
        return self._descendants.resident_bytes([self._pid, *self._descendants.pids()])

    def pids(self) -> frozenset[int]:
        """This process and its descendants."""
        return frozenset([self._pid, *self._descendants.pids()])


def busy_seconds() -> float:
    """CPU seconds that the machine has worked for anybody.

    Time that a hypervisor gave to other virtual machines counts as busy.
    """
    if sys.platform == "linux":
        with open("/proc/stat", "rb", buffering=0) as file:
            ticks = file.read(512).split(maxsplit=9)[1:9]
        return sum(int(ticks[column]) for column in BUSY_COLUMNS) / os.sysconf("SC_CLK_TCK")
    times = psutil.cpu_times()
    return sum(getattr(times, kind, 0.0) for kind in BUSY_KINDS)

"""The descendants of a process, who is alive and what all have used, on any platform."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import psutil

ROUNDED_SECONDS = 0.02  # user and system time of a process, in ticks of 10 ms each
ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUsage:
    """CPU seconds of all descendants, dead ones included, to within `tick_seconds`.

    Not `settled` means that some died faster than they could be read: those of the last moment
    may be missing, but nothing is counted twice.
    """

    cpu_seconds: float
    tick_seconds: float
    settled: bool
    pids: Sequence[int]


class Descendants(Protocol):
    """The descendants of a process."""

    def pids(self) -> Sequence[int]:
        """Those alive, or dead and not waited for."""
        ...

    def usage(self) -> CpuUsage:
        """Read what all have used, now."""
        ...

    def resident_bytes(self, pids: Sequence[int]) -> int:
        """Resident bytes of these processes; one that is gone holds none."""
        ...


class PsutilDescendants:
    """Descendants by a scan of all processes: some milliseconds, in ticks of 10 ms."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def pids(self) -> Sequence[int]:
        return () if childless() else [child.pid for child in self._children()]

    def usage(self) -> CpuUsage:
        """Scan until no child is reaped meanwhile: it would count twice, or not at all."""
        usage = self._scan()
        for _ in range(ATTEMPTS - 1):
            if usage.settled:
                break
            usage = self._scan()
        return usage

    def resident_bytes(self, pids: Sequence[int]) -> int:
        resident = 0
        for pid in pids:
            with suppress(psutil.Error):
                resident += psutil.Process(pid).memory_info().rss
        return resident

    def _scan(self) -> CpuUsage:
        reaped, live, pids, gone = reaped_cpu_seconds(), 0.0, list[int](), False
        for child in () if childless() else self._children():
            try:
                times = child.cpu_times()
            except psutil.Error as error:
                gone = gone or isinstance(error, psutil.NoSuchProcess)
                continue
            live += times.user + times.system
            # What a child has reaped itself, where the platform tells.
            live += getattr(times, "children_user", 0.0)
            live += getattr(times, "children_system", 0.0)
            pids.append(child.pid)
        return CpuUsage(
            cpu_seconds=reaped + live,
            tick_seconds=ROUNDED_SECONDS * len(pids),
            settled=not gone and reaped_cpu_seconds() == reaped,
            pids=pids,
        )

    def _children(self) -> Sequence[psutil.Process]:
        with suppress(psutil.Error):
            return self._process.children(recursive=True)
        return ()


def childless() -> bool:
    """True where the kernel knows of no child, live or unreaped: a microsecond, not a scan."""
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def reaped_cpu_seconds() -> float:
    """CPU seconds of the dead children of this process, and of theirs."""
    if sys.platform == "win32":
        return 0.0  # Windows keeps no account of dead children
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

"""The descendants of a process as Linux tells them, in some ten microseconds each.

Lists of children are under /proc, which a kernel may lack; the CPU clock of a process is in
nanoseconds. One that rests or is dead has an exact clock; that of one that runs at this moment
stands at the last tick of the scheduler, which comes every 1 to 10 ms.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from energy_sweep.meter.process.descendants import (
    ATTEMPTS,
    ROUNDED_SECONDS,
    CpuUsage,
    childless,
    reaped_cpu_seconds,
)

TICK_SECONDS = 0.01
# The kernel hands out long lists by pages, each full but for the room of one more entry.
LARGEST_PAGE, SHORT_PIECE = 65536, 4000


@dataclass(frozen=True, slots=True)
class _ProcStat:
    """What /proc/PID/stat says of a process; `runs` means that its clock may lag."""

    parent: int
    has_reaped: bool
    reaped_seconds: float
    runs: bool


class ProcDescendants:
    """Descendants from /proc, in some ten microseconds each."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def pids(self) -> Sequence[int]:
        return [] if childless() else list(self._walk()[0])

    def usage(self) -> CpuUsage:
        """List at leisure, then read all clocks in one go: few children die between those."""
        usage = self._clocks()
        for _ in range(ATTEMPTS - 1):
            if usage.settled:
                break
            usage = self._clocks()
        return usage

    def resident_bytes(self, pids: Sequence[int]) -> int:
        pages = 0
        for pid in pids:
            with suppress(OSError):
                pages += int(_read(f"/proc/{pid}/statm").split(maxsplit=2)[1])
        return pages * self._page_bytes

    def _clocks(self) -> CpuUsage:
        accounts, settled = ({}, True) if childless() else self._walk()
        parents = {account.parent for account in accounts.values()}
        reaped, live, tick = reaped_cpu_seconds(), 0.0, 0.0
        for pid, account in accounts.items():
            try:
                live += _clock_seconds(pid) + account.reaped_seconds
            except OSError:
                # Our own child has moved to what we have reaped; of others we know no more.
                settled = settled and account.parent == self._pid and pid not in parents
                continue
            tick += TICK_SECONDS * account.runs + ROUNDED_SECONDS * account.has_reaped
        return CpuUsage(
            cpu_seconds=reaped + live,
            tick_seconds=tick,
            settled=settled and reaped_cpu_seconds() == reaped,
            pids=list(accounts),
        )

    def _walk(self) -> tuple[dict[int, _ProcStat], bool]:
        """The descendants by process id, and whether the lists of them stood still."""
        found: dict[int, _ProcStat] = {}
        below, settled = _children(self._pid)
        waiting = [(self._pid, pid) for pid in below]
        while waiting:
            parent, pid = waiting.pop()
            try:
                # The account last: a child that it counts as reaped has no clock any more.
                below, stable = _children(pid)
                account = self._read_stat(pid)
            except OSError:
                settled = settled and parent == self._pid  # ours are counted when they are reaped
                continue
            if account.parent != parent:  # it was given away, or its number was
                settled = False
                continue
            found[pid], settled = account, settled and stable
            waiting += [(pid, child) for child in below]
        return found, settled

    def _read_stat(self, pid: int) -> _ProcStat:
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        state, threads = fields[0], int(fields[17])
        return _ProcStat(
            parent=int(fields[1]),
            has_reaped=int(fields[8]) > 0,  # they leave their page faults
            reaped_seconds=(int(fields[13]) + int(fields[14])) / self._ticks_per_second,
            runs=state == b"R" or (state != b"Z" and threads > 1),  # only one thread is told of
        )


def _children(pid: int) -> tuple[set[int], bool]:
    """Children of a process, and whether none can be missing; OSError where it is gone.

    Where one is reaped while the kernel lists them, it may skip another; and a thread that ends
    leaves its children to one that may have been read before. A second list shows both.
    """
    found, alone = _list_children(pid)
    if alone and not found:
        return found, True
    for _ in range(ATTEMPTS):
        before, (found, _) = found, _list_children(pid)
        if before <= found:
            return found, True
    return found, False


def _list_children(pid: int) -> tuple[set[int], bool]:
    """Children of all threads of a process, and whether it has one thread only."""
    folder, found = f"/proc/{pid}/task", set[int]()
    threads = os.listdir(folder)
    for thread in threads:
        with suppress(OSError):  # a thread that has ended
            found.update(map(int, _read(f"{folder}/{thread}/children").split()))
    return found, len(threads) == 1


def has_proc(pid: int) -> bool:
    """Whether this is Linux, with lists of children and readable clocks of other processes."""
    if sys.platform != "linux":
        return False
    try:
        _read(f"/proc/{pid}/task/{pid}/children")
        _clock_seconds(pid)
    except OSError:
        return False
    return True


def _clock_seconds(pid: int) -> float:
    """CPU seconds of a process; the number of its clock is that of clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def _read(path: str) -> bytes:
    """A file under /proc, at half the cost of open()."""
    handle = os.open(path, os.O_RDONLY)
    try:
        text = piece = os.read(handle, LARGEST_PAGE)
        while len(piece) > SHORT_PIECE:
            piece = os.read(handle, LARGEST_PAGE)
            text += piece
        return text
    finally:
        os.close(handle)

"""The lock by which only one measured window is open per CPU package, across processes.

The operating system drops the lock of a process that dies, so nobody has to clear a stale one.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from energy_sweep.meter.base import MeterUnavailable

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
CPU_ROOT = Path("/sys/devices/system/cpu")


def cpu_packages(root: Path = CPU_ROOT) -> tuple[int, ...]:
    """The CPU packages (sockets) that this process may run on; (0,) where nothing tells."""
    try:
        packages = {
            int((root / f"cpu{cpu}/topology/physical_package_id").read_text())
            for cpu in os.sched_getaffinity(0)
        }
    except (OSError, ValueError, AttributeError):  # AttributeError: no affinity on this platform
        return (0,)
    return tuple(sorted(packages)) or (0,)


class WindowLock:
    """Holds `resources` (names such as `cpu-0`) while a window is open; re-entrant in a thread."""

    def __init__(self, resources: Sequence[str], *, folder: Path | None = None) -> None:
        folder = Path(tempfile.gettempdir()) if folder is None else folder
        # A fixed order keeps two processes from holding one half each; the singletons make two
        # meters of one process share a lock instead of waiting for each other.
        self._locks = [
            FileLock(folder / f"energy_sweep-{name}.lock", is_singleton=True, mode=0o666)
            for name in sorted(set(resources))
        ]

    @contextmanager
    def held(self) -> Generator[None]:
        """Wait until the resources are free, and hold them."""
        with ExitStack() as stack:
            for lock in self._locks:
                _acquire(lock)
                stack.callback(lock.release)
            yield


def _acquire(lock: FileLock) -> None:
    try:
        try:
            lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=0.01)
        except Timeout:
            log.warning("waiting for another program's measured window (%s)", lock.lock_file)
            lock.acquire(timeout=-1, poll_interval=0.05)
    except PermissionError as error:
        raise MeterUnavailable(
            f"the measuring lock {lock.lock_file} belongs to another user:"
            " let them remove it, or set TMPDIR to a folder of yours"
        ) from error

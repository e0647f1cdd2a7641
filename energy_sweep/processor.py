"""The CPU as its system describes it: its name, its maker, its packages."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
TOPOLOGY = Path("/sys/devices/system/cpu")


def cpu_model(cpuinfo: Path = CPUINFO) -> str:
    """The name the CPU gives itself, or else the name of its architecture."""
    named = _described(cpuinfo).get("model name")
    return named or platform.processor() or platform.machine() or "unknown CPU"


def cpu_maker(cpuinfo: Path = CPUINFO) -> str:
    """Who made the CPU, such as AuthenticAMD; empty where nothing tells."""
    return _described(cpuinfo).get("vendor_id", "")


def cpu_packages(root: Path = TOPOLOGY) -> tuple[int, ...]:
    """The CPU packages (sockets) that this process may run on; (0,) where nothing tells."""
    try:
        packages = {
            int((root / f"cpu{cpu}/topology/physical_package_id").read_text())
            for cpu in os.sched_getaffinity(0)
        }
    except (OSError, ValueError, AttributeError):  # AttributeError: no affinity on this platform
        return (0,)
    return tuple(sorted(packages)) or (0,)


def is_confined() -> bool:
    """Whether this process may run on some of the logical CPUs only."""
    if not hasattr(os, "sched_getaffinity"):
        return False
    return len(os.sched_getaffinity(0)) < (os.cpu_count() or 1)


def _described(cpuinfo: Path) -> dict[str, str]:
    """What the first logical CPU says of itself, empty values left out."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if value.strip():
                found.setdefault(key.strip(), value.strip())
    return found

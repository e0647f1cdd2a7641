"""The CPU as its system describes it: its name, its maker, its packages, the cores we may use."""

from __future__ import annotations

import functools
import math
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
TOPOLOGY = Path("/sys/devices/system/cpu")


def cpu_model(cpuinfo: Path = CPUINFO) -> str:
    """The name the CPU gives itself, or else the name of its architecture."""
    named = _read_cpuinfo(cpuinfo).get("model name")
    return named or platform.processor() or platform.machine() or "unknown CPU"


def cpu_maker(cpuinfo: Path = CPUINFO) -> str:
    """Who made the CPU, such as AuthenticAMD; empty where nothing tells."""
    return _read_cpuinfo(cpuinfo).get("vendor_id", "")


@functools.cache
def vector_floats(cpuinfo: Path = CPUINFO) -> int:
    """How many floats of 32 bits the widest vectors hold; 8 where nothing tells of more."""
    return 16 if "avx512f" in _read_cpuinfo(cpuinfo).get("flags", "").split() else 8


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


def usable_cores(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The cores that this process can keep busy at once, at least 1.

    Those of its affinity (taskset, cpusets), or what the quotas of its cgroups (v1 and v2, its own
    and all above) amount to, rounded down.
    """
    allowed = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    return max(1, math.floor(min([allowed, *_quotas(cgroups, membership)])))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """Cores' worth of time by each cgroup that this process is in, and by those above it."""
    for line in _lines(membership):
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # The second is where a hierarchy lies that several share: v2 beside v1, cpu by itself.
        for root in (cgroups / controllers, cgroups / ("cpu" if controllers else "unified")):
            own = root.joinpath(*(part for part in path.split("/") if part not in ("", "..")))
            for folder in (own, *own.parents):
                yield from _quota(folder)
                if folder == root:
                    break


def _quota(folder: Path) -> Iterator[float]:
    """What a cgroup grants, in cores; nothing where it sets no bound."""
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        yield float(quota) / float(period) if quota != "max" else math.inf
    with suppress(OSError, ValueError):
        quota, period = (
            float((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period")
        )
        yield quota / period if quota > 0 else math.inf


def _lines(path: Path) -> list[str]:
    """The lines of a file that name a cgroup; none where there is no such file."""
    with suppress(OSError):
        lines = os.fsdecode(path.read_bytes()).splitlines()  # a cgroup has any name a file may have
        return [line for line in lines if line.count(":") >= 2]
    return []


def is_confined() -> bool:
    """Whether this process may run on some of the logical CPUs only."""
    if not hasattr(os, "sched_getaffinity"):
        return False
    return len(os.sched_getaffinity(0)) < (os.cpu_count() or 1)


def _read_cpuinfo(cpuinfo: Path) -> dict[str, str]:
    """What the first logical CPU says of itself, empty values left out."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if value.strip():
                found.setdefault(key.strip(), value.strip())
    return found

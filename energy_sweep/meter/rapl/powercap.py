"""A powercap tree as the kernel shows it: folders of zones, their names and their counters."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from energy_sweep.meter.base import MeterUnavailable

# The same counters by register and by memory-mapped I/O, best first. AMD has the former, also
# under the name of Intel.
KINDS = ("intel-rapl", "intel-rapl-mmio")
ENTRY = re.compile(r"intel-rapl(?:-mmio)?:\d+(?::\d+)?")

ESTIMATE = "type meter=estimate to do without"
# Docker and Podman put an empty folder over the counters, whatever else is mounted.
MOUNT = (
    "in a container, start it with -v /sys/devices/virtual/powercap:/powercap:ro and type"
    " meter.powercap=/powercap"
)
# udev sees every zone appear; systemd-tmpfiles runs once, maybe before the driver is loaded.
RULE = 'SUBSYSTEM=="powercap", KERNEL=="intel-rapl*:*", RUN+="/bin/chmod a+r /sys%p/energy_uj"'
RULES = "/etc/udev/rules.d/70-energy-sweep.rules"


class NoZones(MeterUnavailable):
    """There is no counter to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One counter in microjoules, which begins again at 0 after `span` (None: unknown)."""

    domain: str
    package: int
    file: str
    span: int | None = None

    @property
    def entry(self) -> str:
        """The name of its folder, such as intel-rapl:0:1."""
        return Path(self.file).parent.name

    def read(self) -> int:
        """What it says now, opened afresh: one that has gone is noticed. OSError, ValueError."""
        handle = os.open(self.file, os.O_RDONLY)
        try:
            text = os.read(handle, 64).strip()
        finally:
            os.close(handle)
        if not text.isdigit():
            raise ValueError(f"does not hold a number but {text.decode(errors='replace')!r}")
        return int(text)


def zone_names(root: Path) -> dict[Path, str]:
    """Names of the zones by folder; raises NoZones where there are none."""
    folders = list(_folders(root))
    if not folders:
        raise NoZones(
            f"no energy counters of the CPU under {root} (usual in a virtual machine or a"
            " container, and outside Linux)",
            f"{MOUNT}; {ESTIMATE}",
        )
    names: dict[Path, str] = {}
    for folder in folders:
        try:
            names[folder] = (folder / "name").read_text().strip()
        except OSError as error:
            if folder.exists():
                raise _unreadable(root, folder / "name", error) from error
            why = f"{folder} leads nowhere: a container hides the energy counters of the CPU"
            raise NoZones(why, f"{MOUNT}; {ESTIMATE}") from error
    return names


def _folders(root: Path) -> Iterator[Path]:
    """Folders of zones; /sys/class lists them side by side, /sys/devices inside each other."""
    seen: set[str] = set()
    waiting = [root, *(root / kind for kind in KINDS)]
    while waiting:
        folder = waiting.pop(0)
        try:
            entries = sorted(os.listdir(folder))
        except OSError as error:
            if folder == root and isinstance(error, PermissionError):
                raise _unreadable(root, root, error) from error
            continue
        for entry in entries:
            if ENTRY.fullmatch(entry) and entry not in seen:
                seen.add(entry)
                waiting.append(folder / entry)
                yield folder / entry


def read_counters(root: Path, zones: Sequence[Zone]) -> list[int]:
    """What the zones say now; raises NoZones."""
    found: list[int] = []
    for zone in zones:
        try:
            found.append(zone.read())
        except OSError as error:
            raise _unreadable(root, Path(zone.file), error) from error
        except ValueError as error:
            raise NoZones(f"{zone.file} {error}", ESTIMATE) from error
    return found


def _unreadable(root: Path, file: Path, error: OSError) -> NoZones:
    """What to do about a file that cannot be read."""
    why = f"{file} cannot be read ({error.strerror}"
    with suppress(OSError):
        found = file.stat()
        why += f"; mode {stat.S_IMODE(found.st_mode):04o} of user {found.st_uid}"
    return NoZones(
        f"{why})",
        f"`sudo chmod a+r {root}/intel-rapl*/energy_uj` opens the counters to all users until the"
        f" next boot, and `echo '{RULE}' | sudo tee {RULES}` for good (power tells what others"
        f" compute: CVE-2020-8694); or {ESTIMATE}",
    )


def zone_span(folder: Path, notes: list[str]) -> int | None:
    """Microjoules after which a counter begins again at 0; notes where that is not known."""
    file = folder / "max_energy_range_uj"
    try:
        span = int(file.read_text())
    except (OSError, ValueError):
        span = 0
    if span > 0:
        return span
    remedy = f" (`sudo chmod a+r {file}`)" if file.exists() else ""
    notes.append(
        f"{file} cannot be read{remedy}: a window in which its counter begins again at 0 is lost"
    )
    return None

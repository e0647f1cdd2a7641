"""The zones of a powercap tree that count joules: CPU packages, and the memory of each.

What else a tree may hold would be counted twice: cores and uncore are parts of their package,
psys is the whole platform.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from energy_sweep.meter.rapl.powercap import (
    ESTIMATE,
    KINDS,
    NoZones,
    Zone,
    read_counters,
    zone_names,
    zone_span,
)

PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?")
# Zones are compared so often, so far apart: several ticks, whose joules two counters of their
# own would not share.
LOOKS, PAUSE_SECONDS = 4, 0.01
STILL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """What there is to read; `notes` say what was left out or taken instead, and why."""

    read: tuple[Zone, ...]
    notes: tuple[str, ...]


def find_zones(root: Path, packages: Collection[int] | None = None) -> Zones:
    """Zones to read under `root`, of all packages or of those given; raises NoZones.

    Takes some ten milliseconds, in which every zone is seen to move.
    """
    names = zone_names(root)
    notes: list[str] = []
    zones: list[Zone] = []
    for place, kinds in _packages(names).items():
        package = int(place.partition("-")[0])
        if packages is not None and package not in packages:
            notes.append(f"package {place} is left out: this process may not run there")
            continue
        folder = _first_readable(root, kinds, notes)
        memory = [
            child for child, name in names.items() if name == "dram" and _is_inside(child, folder)
        ]
        for kind, path in (("cpu", folder), *(("dram", child) for child in memory)):
            zone = Zone(domain=f"{kind}:{place}", package=package, file=str(path / "energy_uj"))
            read_counters(root, [zone])
            zones.append(replace(zone, span=zone_span(path, notes)))
    if not zones:
        left = f" ({'; '.join(notes)})" if notes else ""
        raise NoZones(f"no counter of a CPU package to read under {root}{left}", ESTIMATE)
    zones = _drop_still(root, _drop_duplicates(root, zones, notes), notes)
    return Zones(read=tuple(zones), notes=tuple(notes))


def _is_inside(child: Path, folder: Path) -> bool:
    return child.name.rpartition(":")[0] == folder.name


def _packages(names: dict[Path, str]) -> dict[str, dict[str, Path]]:
    """Folders by package (`0`, `0-die-1`) and kind, in the order of the numbers."""
    found: dict[tuple[int, ...], dict[str, Path]] = {}
    for folder, name in names.items():
        kind, _, rest = folder.name.partition(":")
        match = PACKAGE.fullmatch(name)
        if match is not None and ":" not in rest:
            key = tuple(int(number) for number in match.groups() if number is not None)
            found.setdefault(key, {})[kind] = folder
    return {"-die-".join(map(str, key)): found[key] for key in sorted(found)}


def _first_readable(root: Path, kinds: dict[str, Path], notes: list[str]) -> Path:
    """The folder of the best kind that can be read; raises NoZones with what ails the first."""
    problems: list[NoZones] = []
    for folder in (kinds[kind] for kind in KINDS if kind in kinds):
        try:
            read_counters(root, [Zone(domain="", package=0, file=str(folder / "energy_uj"))])
        except NoZones as problem:
            problems.append(problem)
            continue
        if problems:
            notes.append(f"{folder.name} is read in place of another kind ({problems[0].why})")
        return folder
    raise problems[0]


def _drop_duplicates(root: Path, zones: Sequence[Zone], notes: list[str]) -> list[Zone]:
    """The zones without those that show the counter of another one, as dies of Zen 1 and 2 do."""
    kinds = [zone.domain.partition(":")[0] for zone in zones]
    alike = {(i, j) for i, j in combinations(range(len(zones)), 2) if kinds[i] == kinds[j]}
    for _ in range(LOOKS if alike else 0):
        first, again = read_counters(root, zones), read_counters(root, zones)
        # Where it began again at 0 between two looks, the order says nothing.
        alike = {
            (i, j) for i, j in alike if first[i] <= first[j] <= again[i] or again[i] < first[i]
        }
        time.sleep(PAUSE_SECONDS)
    shown = {j: i for i, j in sorted(alike, reverse=True)}
    for j, i in sorted(shown.items()):
        notes.append(f"{zones[j].entry} shows the counter of {zones[i].entry}: counted once")
    kept = [zone for index, zone in enumerate(zones) if index not in shown]
    return [_name_package(zone, zones, kept) for zone in kept]


def _name_package(zone: Zone, zones: Sequence[Zone], kept: Sequence[Zone]) -> Zone:
    """A die that shows the counter of its whole package, under the name of the package."""
    kind = zone.domain.partition(":")[0]

    def same(other: Zone) -> bool:
        return other.package == zone.package and other.domain.startswith(kind)

    alone = sum(map(same, kept)) == 1 < sum(map(same, zones))
    return replace(zone, domain=f"{kind}:{zone.package}") if alone else zone


def _drop_still(root: Path, zones: list[Zone], notes: list[str]) -> list[Zone]:
    """The zones whose counters move; memory may be missing, a package may not."""
    start, end = read_counters(root, zones), time.monotonic() + STILL_SECONDS
    still = list(range(len(zones)))
    while still and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS / 10)
        now = read_counters(root, zones)
        still = [index for index in still if now[index] == start[index]]
    for index in still:
        if zones[index].domain.startswith("cpu"):
            raise NoZones(f"{zones[index].file} stands still: it counts nothing here", ESTIMATE)
        notes.append(f"{zones[index].entry} ({zones[index].domain}) stands still: left out")
    return [zone for index, zone in enumerate(zones) if index not in still]

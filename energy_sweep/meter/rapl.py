"""The room of the CPU's own energy counters (RAPL); this version only says what is here."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.meter.base import Probe
from energy_sweep.record import Quality

ROOT = Path("/sys/class/powercap")
REMEDY = "arrives with a later version: type meter=estimate until then"


def probe(root: Path = ROOT) -> Probe:
    """Why there are no joules of the CPU package yet, and whether its counters could be read."""
    counters = sorted(root.glob("*-rapl*/energy_uj"))
    return Probe(
        source="rapl",
        usable=False,
        quality=Quality.COUNTER,
        domains=("cpu", "dram"),
        why=_why(root, counters),
        remedy=REMEDY,
        details={"counters": [str(path) for path in counters]},
    )


def _why(root: Path, counters: list[Path]) -> str:
    if not counters:
        return f"no RAPL counters under {root} (usual in a virtual machine, and outside Linux)"
    try:
        int(counters[0].read_text())
    except OSError:
        return (
            f"{counters[0]} is not readable for this user:"
            f" sudo chmod a+r {root}/*-rapl*/energy_uj allows it until the next boot"
        )
    except ValueError:
        return f"{counters[0]} does not hold a number"
    return f"{len(counters)} counters are readable, but this version does not read them yet"

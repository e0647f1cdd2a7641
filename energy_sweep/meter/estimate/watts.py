"""The watts behind an estimate: published ones, the user's own, or fitted to a counter."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, cast

from energy_sweep.record import BadInput
from energy_sweep.record.files import read_file

# An increment over idle per busy logical CPU: Cloud Carbon Footprint derives 2.76 W (AWS),
# 2.98 W (Azure) and 3.55 W (GCP); Green Algorithms takes 12 W for a core of unknown make.
CPU_WATTS_PER_CORE = 3.0
CPU_WATTS_BAND = (2.8, 12.0)
# Green Algorithms has 0.3725 W per GB, Cloud Carbon Footprint 0.392.
MEMORY_WATTS_PER_GIB = 0.3725


@dataclass(frozen=True, slots=True, kw_only=True)
class Watts:
    """Watts of a busy logical CPU above idle, of a GiB, and where they come from.

    `cpu_watts_band` is where the watts of this machine's CPU lie, at 95 %.
    """

    cpu_watts_per_core: float
    memory_watts_per_gib: float
    cpu_watts_band: tuple[float, float] = CPU_WATTS_BAND
    origin: str

    @property
    def coefficients(self) -> dict[str, float]:
        return {
            "cpu_watts_per_core": self.cpu_watts_per_core,
            "memory_watts_per_gib": self.memory_watts_per_gib,
        }

    @property
    def scale_band(self) -> tuple[float, float]:
        """The factor (low, high) by which all joules may be off together; 1 is within."""
        low, high = (watts / self.cpu_watts_per_core for watts in self.cpu_watts_band)
        return min(low, 1.0), max(high, 1.0)


def choose_watts(
    *,
    cpu_watts_per_core: float = CPU_WATTS_PER_CORE,
    memory_watts_per_gib: float = MEMORY_WATTS_PER_GIB,
    cpu_tdp_w: float | None = None,
    calibration: str | None = None,
) -> Watts:
    """The watts of these settings; raises BadInput where they contradict each other.

    `cpu_tdp_w` is the thermal design power of all sockets, spread over the logical CPUs in place
    of `cpu_watts_per_core`; `calibration` the file that `energy-sweep meters --calibrate` wrote.
    """
    settings = {
        "cpu_watts_per_core": (cpu_watts_per_core, CPU_WATTS_PER_CORE),
        "memory_watts_per_gib": (memory_watts_per_gib, MEMORY_WATTS_PER_GIB),
        "cpu_tdp_w": (cpu_tdp_w, None),
    }
    own = [name for name, (value, default) in settings.items() if value not in (default, None)]
    if calibration is not None:
        if own:
            raise BadInput(
                f"meter.calibration={calibration} and meter.{own[0]} contradict each other: type"
                " one of them"
            )
        return _load_calibration(calibration)
    if cpu_tdp_w is not None:
        cpu_watts_per_core = _check_positive("cpu_tdp_w", cpu_tdp_w) / (os.cpu_count() or 1)
        own = [name for name in own if name != "cpu_watts_per_core"]
    return Watts(
        cpu_watts_per_core=_check_positive("cpu_watts_per_core", cpu_watts_per_core),
        memory_watts_per_gib=_check_positive("memory_watts_per_gib", memory_watts_per_gib),
        origin="your " + " and ".join(f"meter.{name}" for name in own) if own else "default",
    )


def _load_calibration(path: str) -> Watts:
    try:
        fitted = json.loads(read_file(Path(path).expanduser()))
        return _parse_calibration(fitted, origin=f"calibration {path}")
    except (OSError, ValueError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(
            f"meter.calibration={path}: {why}: type energy-sweep meters --calibrate, which writes"
            " such a file"
        ) from error


def _parse_calibration(file: Any, *, origin: str) -> Watts:
    """Watts from the content of a calibration file; ValueError says what is wrong with it."""
    if not isinstance(file, Mapping):
        raise ValueError("it does not hold fitted watts")
    fitted = cast(Mapping[str, Any], file)
    value, memory = fitted.get("cpu_watts_per_core"), fitted.get("memory_watts_per_gib")
    memory = MEMORY_WATTS_PER_GIB if memory is None else memory  # what was fitted saw no memory
    if not _is_watts(value) or not (_is_watts(memory) or memory == 0):
        raise ValueError("it does not hold the watts of a core and of a GiB")
    return Watts(
        cpu_watts_per_core=float(value),
        memory_watts_per_gib=float(memory),
        cpu_watts_band=_band(fitted.get("cpu_watts_band"), value),
        origin=origin,
    )


def _band(band: Any, value: float) -> tuple[float, float]:
    if band is None:  # as many readings as watts to fit say nothing of their error
        return CPU_WATTS_BAND
    ends: list[Any] = cast(list[Any], band) if isinstance(band, list) else []
    if len(ends) != 2 or not all(map(_is_watts, ends)) or not ends[0] <= value <= ends[1]:
        raise ValueError(f"its cpu_watts_band is no two watts above 0 around {value:g}")
    return float(ends[0]), float(ends[1])


def _check_positive(name: str, value: Any) -> float:
    if not _is_watts(value):
        raise BadInput(f"meter.{name}={value}: type a number of watts above 0")
    return float(value)


def _is_watts(value: object) -> TypeGuard[float]:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    return number > 0 and math.isfinite(number)

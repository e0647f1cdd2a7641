"""The room of the NVIDIA energy counter; this version only says what is here."""

from __future__ import annotations

import ctypes

from energy_sweep.meter.base import Probe
from energy_sweep.record import Quality

LIBRARY = "libnvidia-ml.so.1"
REMEDY = "arrives with a later version: type meter=estimate device=cpu until then"


def probe(library: str = LIBRARY) -> Probe:
    """Why there are no joules of a GPU yet, and whether a driver is here at all."""
    try:
        ctypes.CDLL(library)
    except OSError:
        why = f"no NVIDIA driver on this machine ({library} cannot be loaded)"
    else:
        why = "an NVIDIA driver is here, but this version does not read its energy counter yet"
    return Probe(
        source="nvml",
        usable=False,
        quality=Quality.COUNTER,
        domains=("gpu",),
        why=why,
        remedy=REMEDY,
    )

"""Sources of joules: one file each, opened by name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from energy_sweep.meter.base import (
    Meter,
    MeterUnavailable,
    Probe,
    Window,
    Work,
    meter_id,
)
from energy_sweep.record import BadInput

__all__ = [
    "Meter",
    "MeterUnavailable",
    "Probe",
    "Window",
    "Work",
    "meter_id",
    "open_meter",
    "survey",
]

NAMES = ("auto", "estimate", "replay")

log = logging.getLogger(__name__)


def open_meter(
    spec: Mapping[str, Any] | str = "auto",
    *,
    devices: Sequence[str] = (),
    threads: int = 1,
    synchronize: Callable[[], None] | None = None,
) -> Meter:
    """The meter called `spec`, or `spec["name"]` with the other keys as its settings.

    `devices` are the UUIDs of the GPUs that the work runs on, `threads` the CPU threads it uses,
    `synchronize` waits for work that is queued on a device. Raises MeterUnavailable.
    """
    settings = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = settings.pop("name", "auto")
    if name in ("nvml", "rapl"):
        raise MeterUnavailable(f"meter={name} arrives with a later version: type meter=estimate")
    if name not in NAMES:
        raise BadInput(f"meter={name}: type one of " + ", ".join(f"meter={n}" for n in NAMES))
    if name == "replay":
        from energy_sweep.meter.replay import ReplayMeter

        return _build(ReplayMeter, settings)
    if devices:
        raise MeterUnavailable(
            f"meter={name} has no reading of GPUs yet, and would leave out their joules:"
            " type device=cpu"
        )
    from energy_sweep.meter.estimate import EstimateMeter

    if name == "auto":
        log.info("meter=auto takes estimate: CPU seconds x watts per core (see: meters)")
    return _build(EstimateMeter, settings, threads=threads, synchronize=synchronize)


def survey() -> tuple[Probe, ...]:
    """Every source of joules, best first, and what it can do on this machine."""
    from energy_sweep.meter import estimate, nvml, rapl, replay

    return (nvml.probe(), rapl.probe(), estimate.probe(), replay.probe())


def _build(kind: Callable[..., Meter], settings: Mapping[str, Any], **context: Any) -> Meter:
    known = inspect.signature(kind).parameters.keys() - context.keys()
    for key in settings.keys() - known:
        raise BadInput(f"meter.{key}: no such setting; there are {', '.join(sorted(known))}")
    return kind(**settings, **context)

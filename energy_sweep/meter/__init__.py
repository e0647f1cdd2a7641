"""Sources of joules, opened by name; `source` makes one meter of several."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from energy_sweep.meter.base import (
    Meter,
    MeterUnavailable,
    Probe,
    ReadingLost,
    Window,
    Work,
    meter_id,
)
from energy_sweep.record import BadInput

__all__ = [
    "Meter",
    "MeterUnavailable",
    "Probe",
    "ReadingLost",
    "Window",
    "Work",
    "meter_id",
    "open_meter",
    "survey",
]

NAMES = ("auto", "nvml", "rapl", "estimate", "replay")


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
    if name not in NAMES:
        raise BadInput(f"meter={name}: type one of " + ", ".join(f"meter={n}" for n in NAMES))
    if name == "replay":
        from energy_sweep.meter.replay import ReplayMeter

        return _build(ReplayMeter, settings)
    from energy_sweep.meter.choose import OPENERS, MeterRequest
    from energy_sweep.meter.estimate.watts import choose_watts
    from energy_sweep.meter.process import ProcessTree

    job = MeterRequest(
        devices=devices, threads=threads, synchronize=synchronize, tree=ProcessTree()
    )
    return _build(OPENERS[name], settings, choose_watts, job=job)


def survey(powercap: str | Path | None = None) -> tuple[Probe, ...]:
    """Every source of joules, best first, and what it can do on this machine.

    `powercap` is the folder of the RAPL counters, where it is not the usual one.
    """
    from energy_sweep.meter import estimate, nvml, rapl, replay

    root = rapl.ROOT if powercap is None else Path(powercap)
    return (nvml.probe(), rapl.probe(root), estimate.probe(), replay.probe())


def _build(
    opener: Callable[..., Meter],
    settings: Mapping[str, Any],
    rest: Callable[..., object] | None = None,
    **context: Any,
) -> Meter:
    """Call `opener` with settings that it knows, or that `rest` knows, where it hands some on."""
    takes = inspect.signature(opener).parameters.values()
    known = {taken.name for taken in takes if taken.kind is not taken.VAR_KEYWORD}
    if rest is not None and len(known) < len(takes):
        known |= inspect.signature(rest).parameters.keys()
    known -= context.keys()
    for key in settings.keys() - known:
        raise BadInput(f"meter.{key}: no such setting; there are {', '.join(sorted(known))}")
    return opener(**settings, **context)

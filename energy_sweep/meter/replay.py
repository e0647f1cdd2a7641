"""Joules as a function of the work or from a recorded trace: for tests and exact comparisons."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from energy_sweep.meter.base import Probe, Window, Work, exclusive_window
from energy_sweep.record import (
    BadInput,
    DomainEnergy,
    EnergyReading,
    MeterFacts,
    Quality,
    digest,
)

DOMAIN = "replay"
JOULES_PER_IMAGE_AND_PARAMETER = 1e-8


class ReplayMeter:
    """Gives equal joules to equal work, at 1 W, whatever the machine does.

    The joules of a mark are `formula(work)`; else its images x `joules_per_image`; else those of
    its stage in `trace` (stage -> joules per image, or a JSON file of that); else images x
    parameters x 1e-8.
    """

    def __init__(
        self,
        *,
        joules_per_image: float | None = None,
        trace: Mapping[str, float] | str | Path | None = None,
        formula: Callable[[Work], float] | None = None,
    ) -> None:
        if joules_per_image is not None:
            _check("joules_per_image", joules_per_image)
        self._per_image = joules_per_image
        self._trace = None if trace is None else _read_trace(trace)
        self._formula = formula

    def facts(self) -> MeterFacts:
        """What is common to all readings; the source names the formula, since joules follow it."""
        return MeterFacts(sources=(self._source(),), domains=(DOMAIN,), quality=Quality.ESTIMATED)

    def window(self, work: Work) -> AbstractContextManager[Window]:
        """Replay the body of a `with`; any number of windows may be open."""
        return exclusive_window(work, lambda _: self._reading, nullcontext())

    def close(self) -> None:
        """Nothing is held."""

    def _reading(self, work: Work) -> EnergyReading:
        joules = self._joules(work)
        domain = DomainEnergy(
            domain=DOMAIN,
            joules=joules,
            uncertainty_joules=0.0,
            source=self._source(),
            quality=Quality.ESTIMATED,
        )
        return EnergyReading(domains=(domain,), seconds=joules, contended=False)

    def _joules(self, work: Work) -> float:
        if self._formula is not None:
            return self._formula(work)
        if self._per_image is not None:
            return self._per_image * work.images
        if self._trace is None:
            return JOULES_PER_IMAGE_AND_PARAMETER * work.images * work.parameters
        try:
            return self._trace[work.stage] * work.images
        except KeyError:
            raise BadInput(
                f"meter.trace has no stage {work.stage}: add it, with its joules per image"
            ) from None

    def _source(self) -> str:
        if self._formula is not None:
            return f"replay:{getattr(self._formula, '__qualname__', 'formula')}"
        if self._per_image is not None:
            return f"replay:{self._per_image!r}"
        return "replay" if self._trace is None else f"replay:{digest(self._trace)[:12]}"


def probe() -> Probe:
    """What replay is good for."""
    return Probe(
        source="replay",
        usable=True,
        quality=Quality.ESTIMATED,
        domains=(DOMAIN,),
        why="joules computed from images and parameters: for tests and exact comparisons",
        remedy="type meter=replay",
        tick_seconds=0.0,
    )


def _read_trace(trace: Mapping[str, float] | str | Path) -> dict[str, float]:
    if isinstance(trace, str | Path):
        try:
            trace = json.loads(Path(trace).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(
                f"meter.trace={trace}: type the path of a JSON file of stage: joules per image"
                f" ({error})"
            ) from error
    if not isinstance(trace, Mapping):
        raise BadInput("meter.trace: give stages and their joules per image")
    return {str(stage): _check(f"trace.{stage}", value) for stage, value in trace.items()}


def _check(name: str, value: object) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not (number >= 0 and math.isfinite(number)):
        raise BadInput(f"meter.{name}={value}: type a number of joules of at least 0")
    return float(number)

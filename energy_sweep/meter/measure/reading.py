"""Joules of any block of Python: `with measure() as reading: ...`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from energy_sweep.meter import Meter, ReadingLost, Window, Work, open_meter
from energy_sweep.meter.measure.total import per_busy_thread, total
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality

# Meters that read GPUs: those of a block are not known beforehand, so all visible ones are read.
READ_GPUS = ("auto", "nvml")


class Measured:
    """What a measured block cost, known once the block has ended; `so_far` tells inside it.

    Where the joules cannot be known (a counter was reset or went away), asking for them raises
    ReadingLost: the work of the block is not lost with them.
    """

    def __init__(self, window: Window, facts: MeterFacts, *, by_busy_threads: bool) -> None:
        self.facts = facts
        self._window = window
        self._by_busy_threads = by_busy_threads
        self._energy: EnergyReading | None = None
        self._lost: ReadingLost | None = None

    @property
    def energy(self) -> EnergyReading:
        """The reading as the meter gave it, with its raw terms."""
        if self._lost is not None:
            raise self._lost
        if self._energy is None:
            raise RuntimeError("the block has not ended: leave it first, or ask so_far()")
        return self._energy

    @property
    def joules(self) -> float:
        return self.energy.joules

    @property
    def uncertainty_joules(self) -> float:
        """Run again, the block costs as much to within this, 19 times of 20."""
        return self.uncertainty_of(self.energy)

    @property
    def net_joules(self) -> float | None:
        """Joules above those of an idle machine, None where its watts are not known."""
        parts = [self.net_of(part) for part in self.energy.domains]
        known = [part for part in parts if part is not None]
        return math.fsum(known) if len(known) == len(parts) else None

    @property
    def seconds(self) -> float:
        return self.energy.seconds

    @property
    def watts(self) -> float:
        """Mean watts; 0 for a block that took no time."""
        return self.joules / self.seconds if self.seconds > 0 else 0.0

    @property
    def domains(self) -> tuple[DomainEnergy, ...]:
        return self.energy.domains

    @property
    def quality(self) -> Quality:
        return self.energy.quality

    @property
    def contended(self) -> bool | None:
        """Whether other programs used the machine meanwhile; None: too short to tell."""
        return self.energy.contended

    def so_far(self) -> EnergyReading:
        """The reading from the start of the block until now, or of all of it once it has ended."""
        if self._lost is not None or self._energy is not None:
            return self.energy
        self._mark(images=0)
        return total(self._readings())

    def uncertainty_of(self, part: DomainEnergy | EnergyReading) -> float:
        """The 95 % limit between two runs: noise of both readings, and what changes by the run."""
        noise = math.sqrt(2) * part.uncertainty_joules
        parts = part.domains if isinstance(part, EnergyReading) else (part,)
        drift = (self.facts.repeatability_of(one.domain) * one.joules for one in parts)
        return math.hypot(noise, math.fsum(drift))

    def net_of(self, part: DomainEnergy) -> float | None:
        """Joules of one domain above those that it takes when nothing runs."""
        idle = self.facts.idle_watts.get(part.domain)
        return None if idle is None else part.joules - idle * self.energy.seconds

    def end(self) -> None:
        """Take the closing edge; a reading that is lost is kept as such."""
        try:
            if self._lost is None:
                self._mark()
                self._energy = total(self._readings())
        except ReadingLost:
            pass

    def _mark(self, *, images: int | None = None) -> None:
        try:
            self._window.mark(images=images)
        except ReadingLost as lost:
            self._lost = lost
            raise

    def _readings(self) -> list[EnergyReading]:
        found = [mark.reading for mark in self._window.marks]
        if not self._by_busy_threads:
            return found
        return [per_busy_thread(reading, self.facts.coefficients) for reading in found]

    def __str__(self) -> str:
        if self._lost is not None:
            return f"joules unknown: {self._lost}"
        if self._energy is None:
            return "still measuring"
        others = "; other programs ran meanwhile" if self.contended else ""
        return (
            f"{_text(self.joules)} J ± {_text(self.uncertainty_joules, 2)} J {self.quality.value}"
            f" in {_text(self.seconds)} s ({_text(self.watts)} W{others})"
        )


@contextmanager
def measure(
    meter: Meter | Mapping[str, Any] | str = "auto",
    *,
    label: str = "",
    threads: int | None = None,
    synchronize: Callable[[], None] | None = None,
    **settings: Any,
) -> Generator[Measured]:
    """Measure the body of a `with`: `measure()`, `measure("estimate", cpu_watts_per_core=4.5)`.

    `meter` is a name, settings with a `name`, or an open meter, which stays open. `threads` share
    the work (default: as many as were busy). `synchronize` waits for work queued on a device; by
    default for that of torch, where it is loaded. Blocks of one thread may be nested. Raises
    MeterUnavailable.
    """
    wait = wait_for_torch if synchronize is None else synchronize
    opened = open_for_block(meter, settings, threads=threads or 1, synchronize=wait)
    ended = False
    try:
        work = Work(stage="measure", images=1, parameters=0, label=label)
        with opened.window(work) as window:
            unknown = threads is None and opened is not meter
            reading = Measured(window, opened.facts(), by_busy_threads=unknown)
            try:
                yield reading
            finally:
                reading.end()
            ended = True
    except ReadingLost:
        if not ended:  # else it is of what came after the block
            raise
    finally:
        if opened is not meter:
            opened.close()


def _text(value: float, digits: int = 3) -> str:
    """A value to so many significant digits, a large one to the whole number."""
    return f"{value:.{digits}g}" if abs(value) < 10**digits - 0.5 else f"{value:,.0f}"


def wait_for_torch() -> None:
    """Wait for what torch has queued on GPUs, where it is loaded and uses any."""
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        for index in range(cuda.device_count()):
            # A device without memory has no work, and waiting for it would wake it up.
            if cuda.memory_reserved(index):
                cuda.synchronize(index)


def open_for_block(
    meter: Meter | Mapping[str, Any] | str,
    settings: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
    synchronize: Callable[[], None] = wait_for_torch,
) -> Meter:
    """The meter of a block that may use any GPU; an open meter is given back as it is."""
    settings = settings or {}
    if not isinstance(meter, str | Mapping):
        if settings:
            raise TypeError(f"an open meter takes no settings: {', '.join(settings)}")
        return meter
    spec = {"name": meter} if isinstance(meter, str) else dict(meter)
    if spec.get("name", "auto") in READ_GPUS:
        spec.setdefault("gpus", "visible")
    return open_meter({**spec, **settings}, threads=threads, synchronize=synchronize)

"""A meter of several sources: what each of them says reaches the readings and the facts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from energy_sweep.meter.base import Work
from energy_sweep.meter.contention import SHORTEST_LOAD_SECONDS, ContentionMonitor
from energy_sweep.meter.process import ProcessTree
from energy_sweep.meter.source import EdgeReading, SourceMeter, SourceReading
from energy_sweep.record import DomainEnergy, MeterFacts, Quality

WORK = Work(stage="trunk", images=1, parameters=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneJouleSource:
    """A source of one domain that reads a joule at each edge."""

    domain: str
    scale_band: tuple[float, float]

    def facts(self) -> MeterFacts:
        return MeterFacts(
            sources=("toy",),
            domains=(self.domain,),
            quality=Quality.COUNTER,
            scale_band=self.scale_band,
        )

    @contextmanager
    def begin(self) -> Iterator[EdgeReading]:
        part = DomainEnergy(
            domain=self.domain,
            joules=1.0,
            uncertainty_joules=0.0,
            source="toy",
            quality=Quality.COUNTER,
        )
        yield lambda: SourceReading(domains=(part,))

    def close(self) -> None: ...


def meter(*, board_load: float = 0.0) -> SourceMeter:
    """A board known to 10 % beside a processor known to a factor of 4."""
    return SourceMeter(
        [
            OneJouleSource(domain="gpu:0", scale_band=(0.9, 1.1)),
            OneJouleSource(domain="cpu", scale_band=(0.7, 4.0)),
        ],
        resources=[],
        monitor=ContentionMonitor(ProcessTree(), gpus=lambda: {"gpu:0": board_load}),
    )


def test_the_scale_band_holds_that_of_every_source() -> None:
    assert meter().facts().scale_band == (0.7, 4.0)


def test_a_reading_beside_other_programs_says_so_with_their_share() -> None:
    with meter(board_load=0.5).window(WORK) as window:
        time.sleep(SHORTEST_LOAD_SECONDS)
        window.mark(1)
    (mark,) = window.marks
    assert mark.reading.joules == 2.0
    assert mark.reading.contended is True
    assert mark.reading.foreign["gpu:0"] == 0.5

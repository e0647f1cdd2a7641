"""Readings: joules of domains over a window, how they were obtained, and by what meter."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record.serialize import JsonDict


class Quality(enum.StrEnum):
    """How joules were obtained, best first."""

    COUNTER = "counter"
    INTEGRATED = "integrated"
    ESTIMATED = "estimated"

    @staticmethod
    def worst(qualities: Iterable[Quality]) -> Quality:
        """The quality of a total: that of its worst part (ESTIMATED for an empty one)."""
        return max(qualities, key=_RANKS.__getitem__, default=Quality.ESTIMATED)


_RANKS = {quality: rank for rank, quality in enumerate(Quality)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEnergy:
    """Joules of one domain (`gpu:0`, `module:0`, `cpu:0`, `dram:0`, `cpu`, `memory`), at 95 %.

    `edge_joules` is the part of the uncertainty that comes from where the two edges fall between
    the ticks of a counter: what one reading has too much there, its neighbour has too little.
    """

    domain: str
    joules: float
    uncertainty_joules: float
    source: str
    quality: Quality
    edge_joules: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyReading:
    """Joules of disjoint domains over one window.

    `terms` are the raw quantities behind an estimate (`cpu_seconds`, `gib_cpu_seconds`), kept so
    that coefficients can change later. `contended` says that other programs used more than 5 % of
    the processors or of a GPU (None: too short to tell), and `foreign` how much: a share of all
    processors (`cpu`) or of a board (`gpu:0`). `started` is in Unix seconds, None where the meter
    replays. `board` tells apart machines and boards of one device class, empty where none was read.
    """

    domains: tuple[DomainEnergy, ...]
    seconds: float
    started: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict[str, float])
    contended: bool | None = None
    foreign: Mapping[str, float] = field(default_factory=dict[str, float])
    peak_memory_bytes: int | None = None
    board: str = ""

    def __post_init__(self) -> None:
        names = [part.domain for part in self.domains]
        if len(set(names)) != len(names):
            raise ValueError(f"a reading counts a domain twice: {names}")

    @property
    def joules(self) -> float:
        return math.fsum(part.joules for part in self.domains)

    @property
    def uncertainty_joules(self) -> float:
        return math.hypot(*(part.uncertainty_joules for part in self.domains))

    @property
    def edge_joules(self) -> float:
        """The part of the uncertainty that a neighbouring reading has with the opposite sign."""
        return math.hypot(*(part.edge_joules for part in self.domains))

    @property
    def quality(self) -> Quality:
        return Quality.worst(part.quality for part in self.domains)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A reading of `units` of work that must all cost the same (epochs, images, or 1 run)."""

    units: float
    reading: EnergyReading


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What a study was measured with, the same for all its trials.

    `scale_band` is the widest factor (low, high) that joules of this machine may be off by; all
    joules of one source share theirs: `scale_bands` by source. `coefficients` are those of an
    estimate. Two runs of equal work differ by less than `repeatability`, relative
    to their joules, 19 times of 20; where its domains differ in that, it is the worst of
    `repeatability_by_domain`. `tick_seconds` is the longest time that a domain's counter
    stands still, `idle_watts` what a domain draws when nothing runs (net joules are those above
    it), `details` what else was found out: boards, drivers, limits, and why a source was taken.
    """

    sources: tuple[str, ...]
    domains: tuple[str, ...]
    quality: Quality
    scale_band: tuple[float, ...] = (1.0, 1.0)
    scale_bands: Mapping[str, tuple[float, ...]] = field(
        default_factory=dict[str, tuple[float, ...]]
    )
    coefficients: Mapping[str, float] = field(default_factory=dict[str, float])
    repeatability: float = 0.0
    repeatability_by_domain: Mapping[str, float] = field(default_factory=dict[str, float])
    tick_seconds: float = 0.0
    idle_watts: Mapping[str, float] = field(default_factory=dict[str, float])
    details: JsonDict = field(default_factory=dict[str, Any])

    def repeatability_of(self, domain: str) -> float:
        return self.repeatability_by_domain.get(domain, self.repeatability)

    def scale_band_of(self, source: str) -> tuple[float, ...]:
        """The factor (low, high) that all joules of a source may be off by."""
        return self.scale_bands.get(source, self.scale_band)

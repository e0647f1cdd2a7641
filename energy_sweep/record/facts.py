"""The frozen facts of the program: readings, stages, trials, studies."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record.errors import BadInput as BadInput
from energy_sweep.record.errors import EnergySweepError as EnergySweepError
from energy_sweep.record.errors import Infeasible as Infeasible
from energy_sweep.record.errors import NothingFits as NothingFits
from energy_sweep.record.objective import Objective as Objective
from energy_sweep.record.serialize import JsonDict, digest

TRAINING_STAGES = (
    *("pretrain", "prepare", "trunk", "cooldown"),
    *("teacher", "compress", "recover"),
)
MEASURING_STAGES = ("calibrate", "export", "evaluate", "infer", "wait")


class Quality(enum.StrEnum):
    """How joules were obtained, best first."""

    COUNTER = "counter"
    INTEGRATED = "integrated"
    ESTIMATED = "estimated"

    @staticmethod
    def worst(qualities: Iterable[Quality]) -> Quality:
        """The quality of a total: that of its worst part (ESTIMATED for an empty one)."""
        order = list(Quality)
        return max(qualities, key=order.index, default=Quality.ESTIMATED)


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
    replays.
    """

    domains: tuple[DomainEnergy, ...]
    seconds: float
    started: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict[str, float])
    contended: bool | None = None
    foreign: Mapping[str, float] = field(default_factory=dict[str, float])
    peak_memory_bytes: int | None = None

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
class StageRecord:
    """One piece of work that ran once: what it was, what it gave, what it cost.

    `cost_key` names the pool of work that must cost the same per unit. `lost` are finished marks
    whose result a kill took away, so that the work was done again: spent, and on the bill.
    `elsewhere` names the trial of another study that spent the joules: they can be charged here,
    but are on that study's bill.
    """

    stage: str
    key: str
    cost_key: str
    marks: tuple[Mark, ...] = ()
    lost: tuple[Mark, ...] = ()
    outcome: str | None = None
    elsewhere: str | None = None
    facts: JsonDict = field(default_factory=dict[str, Any])
    settings: JsonDict = field(default_factory=dict[str, Any])

    @property
    def spent_joules(self) -> float:
        if self.elsewhere is not None:
            return 0.0
        return math.fsum(mark.reading.joules for mark in (*self.marks, *self.lost))

    @property
    def units(self) -> float:
        return math.fsum(mark.units for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageUse:
    """What one configuration needs of a stage: `units` of the work named by `key`."""

    stage: str
    key: str
    cost_key: str
    units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What one trial found; its joules are those of its stages, priced when they are shown.

    `config` holds every dial but the seed in canonical form; `correct` of `n_validation` images
    were classified right by the exported graph (None where the trial is infeasible).
    """

    config: JsonDict
    seed: int
    stages: tuple[StageUse, ...]
    n_validation: int
    correct: int | None = None
    infeasible: str | None = None
    facts: JsonDict = field(default_factory=dict[str, Any])
    peak_memory_bytes: int | None = None
    machine: JsonDict = field(default_factory=dict[str, Any])

    @property
    def accuracy(self) -> float | None:
        return None if self.correct is None else self.correct / self.n_validation

    @property
    def config_key(self) -> str:
        return digest(self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A trial of a study: `state` is running, measured, infeasible or failed.

    `params` are the axes of the command that claimed it, `overrides` all that was typed for it, and
    `dials` everything it was resolved to, by the names that are typed.
    """

    number: int
    state: str
    params: JsonDict
    overrides: tuple[str, ...] = ()
    result: TrialResult | None = None
    error: str | None = None
    dials: JsonDict = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What a study was measured with, the same for all its trials.

    `scale_band` is the factor (low, high) common to all joules of this machine; `coefficients`
    are those of an estimate. Two runs of equal work differ by less than `repeatability`, relative
    to their joules, 19 times of 20; where its domains differ in that, it is the worst of
    `repeatability_by_domain`. `tick_seconds` is the longest time that a domain's counter
    stands still, `idle_watts` what a domain draws when nothing runs (net joules are those above
    it), `details` what else was found out: boards, drivers, limits, and why a source was taken.
    """

    sources: tuple[str, ...]
    domains: tuple[str, ...]
    quality: Quality
    scale_band: tuple[float, ...] = (1.0, 1.0)
    coefficients: Mapping[str, float] = field(default_factory=dict[str, float])
    repeatability: float = 0.0
    repeatability_by_domain: Mapping[str, float] = field(default_factory=dict[str, float])
    tick_seconds: float = 0.0
    idle_watts: Mapping[str, float] = field(default_factory=dict[str, float])
    details: JsonDict = field(default_factory=dict[str, Any])

    def repeatability_of(self, domain: str) -> float:
        return self.repeatability_by_domain.get(domain, self.repeatability)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """Everything known of a study: its trials, and the stage records that price them.

    `damage` are lines on what its files no longer hold, or hold otherwise than was written.
    """

    name: str
    trials: tuple[TrialRecord, ...]
    stages: Mapping[str, StageRecord]
    meter: MeterFacts
    machine: JsonDict = field(default_factory=dict[str, Any])
    identity: JsonDict = field(default_factory=dict[str, Any])
    data: JsonDict = field(default_factory=dict[str, Any])
    damage: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[tuple[int, TrialResult], ...]:
        return tuple((t.number, t.result) for t in self.trials if t.result is not None)

"""The frozen facts of the program: stages, trials, studies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record.readings import Mark, MeterFacts
from energy_sweep.record.serialize import JsonDict, digest

TRAINING_STAGES = (
    *("pretrain", "prepare", "trunk", "cooldown"),
    *("teacher", "compress", "recover"),
)
MEASURING_STAGES = ("calibrate", "export", "evaluate", "infer", "wait")


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
class StudyRecord:
    """Everything known of a study: its trials, and the stage records that price them.

    `constraints` are those of its last search, by name. `damage` are lines on what its files no
    longer hold, or hold otherwise than was written.
    """

    name: str
    trials: tuple[TrialRecord, ...]
    stages: Mapping[str, StageRecord]
    meter: MeterFacts
    machine: JsonDict = field(default_factory=dict[str, Any])
    identity: JsonDict = field(default_factory=dict[str, Any])
    data: JsonDict = field(default_factory=dict[str, Any])
    constraints: JsonDict = field(default_factory=dict[str, Any])
    damage: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[tuple[int, TrialResult], ...]:
        return tuple((t.number, t.result) for t in self.trials if t.result is not None)

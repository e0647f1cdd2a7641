"""A study that is only kept in memory, as far as a search asks one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    MeterFacts,
    Quality,
    StageRecord,
    StageUse,
    TrialRecord,
    TrialResult,
)
from energy_sweep.search import Job

IMAGES = 1000
METER = MeterFacts(
    sources=("replay",), domains=("replay",), quality=Quality.ESTIMATED, repeatability=0.0
)


@dataclass(slots=True)
class InMemory:
    """Trials with their answers, by number."""

    meter: MeterFacts = METER
    trials: list[TrialRecord] = field(default_factory=list[TrialRecord])
    identities: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def next_number(self) -> int:
        return len(self.trials)

    def trial(self, number: int) -> TrialRecord:
        return self.trials[number]

    def identity(self, number: int) -> tuple[str, int]:
        return self.identities[number]

    def running(self) -> tuple[TrialRecord, ...]:
        """None runs."""
        return ()

    def keep_constraints(self, *_: object) -> None:
        """There are none."""

    def finish(self, *_: object) -> None:
        """What is answered is finished."""

    def answer(self, job: Job, correct: int, *, stages: Iterable[StageUse] | None = None) -> int:
        """Add a trial with its answer, and give its number."""
        number = len(self.trials)
        result = TrialResult(
            config=job.config,
            seed=0,
            stages=job.stages if stages is None else tuple(stages),
            n_validation=IMAGES,
            correct=correct,
        )
        self.identities.append(job.identity)
        self.trials.append(
            TrialRecord(number=number, state="measured", params=job.params, result=result)
        )
        return number


def mark(units: float, joules: float, **more: Any) -> Mark:
    """A reading of so many units that took so many joules."""
    part = DomainEnergy(
        domain="replay",
        joules=joules,
        uncertainty_joules=0.0,
        source="replay",
        quality=Quality.ESTIMATED,
    )
    reading = EnergyReading(domains=(part,), seconds=1.0, contended=False, **more)
    return Mark(units=units, reading=reading)


def record(use: StageUse, *marks: Mark) -> StageRecord:
    """What the store has of a stage."""
    return StageRecord(stage=use.stage, key=use.key, cost_key=use.cost_key, marks=marks)

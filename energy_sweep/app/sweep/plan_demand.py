"""How much a sweep will train under each plan, known before a joule is spent.

What pays for trying plans is all that a command may run, so it is counted while every value of
every axis is checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record import StageRecord
from energy_sweep.search import DEFAULT_TRIALS, WHOLE_GRID
from energy_sweep.study.space import Space
from energy_sweep.trial import PlannedStage, StepsToCome

Planned = Mapping[str, PlannedStage]  # distinct stages, by their keys


@dataclass(slots=True)
class PlanDemand:
    """The training of the points of a space that were checked, by what they share a plan under.

    `settings` are those of the search, its budgets among them.
    """

    space: Space
    settings: Mapping[str, Any]
    _longest: dict[str, dict[str, PlannedStage]] = field(
        default_factory=dict[str, dict[str, PlannedStage]]
    )
    _alone: list[float] = field(default_factory=list[float])
    _kinds: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def add(self, plan_key: str, stages: Planned, *, axis: str | None = None) -> None:
        """Count the stages of a point; `axis` is the one along which it is off the corner."""
        longest = self._longest.setdefault(plan_key, {})
        for key, stage in stages.items():
            longest[key] = max(stage, longest.get(key, stage))
        if axis is not None:
            self._alone.append(_steps(stages))
            self._kinds.setdefault(axis, set()).add(plan_key)

    def of(self, plan_key: str, records: Mapping[str, StageRecord]) -> StepsToCome:
        """What is to come under one plan; a sampler is thought to spread its budget evenly."""
        stages = self._longest.get(plan_key, {})
        share, steps = self._of_grid(stages) if self._is_whole else self._of_samples()
        done = (
            min(stage.epochs, records[key].units) * stage.steps_per_epoch
            for key, stage in stages.items()
            if key in records
        )
        return StepsToCome(
            steps=steps,
            done=math.fsum(done),
            most_joules=share * self._limit("joules"),
            most_seconds=share * self._limit("seconds"),
        )

    @property
    def _is_whole(self) -> bool:
        """Whether all points of the space are checked."""
        return self.space.size is not None and self.space.size <= WHOLE_GRID

    def _of_grid(self, stages: Planned) -> tuple[float, float]:
        """The part of a plan in all steps, and how many of it are taken."""
        every, own = math.fsum(map(_steps, self._longest.values())), _steps(stages)
        trained = min(1.0, self._trials / max(1, self.space.size or 1))
        return own / every if every else 1.0, own * trained

    def _of_samples(self) -> tuple[float, float]:
        """The same of a space whose points are not all known: as many trials of each plan."""
        plans = math.prod(len(keys) for keys in self._kinds.values())
        usual = math.fsum(self._alone) / max(1, len(self._alone))
        return 1 / plans, self._trials * usual / plans

    @property
    def _trials(self) -> float:
        """How many configurations are trained at most."""
        if (trials := self.settings.get("trials")) is not None:
            return float(trials)
        is_limited = any(math.isfinite(self._limit(name)) for name in ("joules", "seconds"))
        if is_limited or (self._is_whole and self.settings.get("sampler") == "auto"):
            return math.inf
        return DEFAULT_TRIALS

    def _limit(self, name: str) -> float:
        limit = self.settings.get(name)
        return math.inf if limit is None else float(limit)


def _steps(stages: Planned) -> float:
    return math.fsum(stage.steps for stage in stages.values())

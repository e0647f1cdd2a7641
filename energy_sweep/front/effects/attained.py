"""The front that every seed, half of the seeds and any of them attain, not one lucky front."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from energy_sweep.front.effects.figures import work_of
from energy_sweep.front.effects.runs import Runs, seed_of
from energy_sweep.record import JsonDict, digest
from energy_sweep.uncertainty.attainment import Point, attainment_front


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainedStep:
    """The accuracy that is had for at most so many joules of training: by every, half, any seed."""

    joules: float
    by_all: float | None
    by_half: float
    by_any: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttainedFront:
    """The steps of the front that half of the seeds attain, cheapest first.

    Of `configurations` that were trained with all `seeds`.
    """

    seeds: int
    configurations: int
    steps: tuple[AttainedStep, ...]

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {
            "seeds": self.seeds,
            "configurations": self.configurations,
            "steps": [
                {
                    "joules": one.joules,
                    "by_all": one.by_all,
                    "by_half": one.by_half,
                    "by_any": one.by_any,
                }
                for one in self.steps
            ],
        }


def attained_front(runs: Runs) -> AttainedFront | None:
    """Of training joules; None where fewer than two seeds have a configuration in common."""
    points = defaultdict[str, dict[str, Point]](dict)
    for run in runs.runs:
        work = work_of(run.result, "joules")
        if work is not None and all(runs.prices.pool(key) is not None for key in work):
            joules, _ = runs.prices.joules(work)
            points[seed_of(run)][digest(run.result.config)] = (run.accuracy, joules)
    if len(points) < 2:
        return None
    first, *others = points.values()
    common = [key for key in first if all(key in found for found in others)]
    if not common:
        return None
    fronts = [[found[key] for key in common] for found in points.values()]
    every, half, any_ = (attainment_front(fronts, share) for share in (1, 0.5, 1 / len(fronts)))
    steps = tuple(
        AttainedStep(
            joules=joules,
            by_all=_at(every, joules),
            by_half=accuracy,
            by_any=max(accuracy, _at(any_, joules) or 0.0),
        )
        for accuracy, joules in half
    )
    return AttainedFront(seeds=len(fronts), configurations=len(common), steps=steps)


def _at(front: Sequence[Point], joules: float) -> float | None:
    """The highest accuracy for no more joules, None where there is none."""
    return max((right for right, cost in front if cost <= joules), default=None)

"""What one plan saves over another, round by round, and when that is known well enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from energy_sweep.recipe.plan import DEFAULT_PLAN, Plan
from energy_sweep.uncertainty.intervals import mean_interval

# A round runs each candidate once. After so many of them a candidate is looked at, and left out
# once it is decided; so many are usual, and what trying is thought to cost.
LOOKS = (3, 4, 6, 8, 12, 16, 24)
FIRST_LOOK, ROUNDS, MOST_ROUNDS = LOOKS[0], 8, LOOKS[-1]
# Of each look, so that all of them together are right 19 times of 20, whichever ends it.
CONFIDENCE = 1 - 0.05 / len(LOOKS)


@dataclass(frozen=True, slots=True)
class PlanSaving:
    """The share of the joules of a step that is saved, and its 95 % uncertainty by the rounds."""

    share: float
    uncertainty: float

    @property
    def is_sure(self) -> bool:
        return self.share > self.uncertainty

    @property
    def most(self) -> float:
        """The largest share that the rounds leave possible."""
        return self.share + self.uncertainty


def saving(ours: Sequence[float], theirs: Sequence[float]) -> PlanSaving:
    """What `ours` saves over `theirs` in the rounds that both had, so that what drifts cancels.

    By logarithms of ratios, since a round that something disturbed is many times too dear.
    """
    pairs = zip(ours, theirs, strict=False)
    ratios = [math.log(a / b) if a > 0 and b > 0 else 0.0 for a, b in pairs]
    mean, interval = mean_interval(ratios, CONFIDENCE)
    return PlanSaving(1 - math.exp(mean), math.exp(interval.high) - math.exp(mean))


def choose(
    rounds: Mapping[Plan, Sequence[float]], cold: Mapping[Plan, float], *, steps: float
) -> Plan:
    """The plan of the fewest joules per step; plain, unless another is surely cheaper.

    `rounds` are joules per step, round by round, `cold` the joules of the very first step, which
    compiles: that has to pay within the `steps` of one trial.
    """
    plain = rounds[DEFAULT_PLAN]

    def over_plain(plan: Plan) -> float:
        usual = median(plain[: len(rounds[plan])])
        return median(rounds[plan]) / usual if usual > 0 else 1.0

    def is_cheaper(plan: Plan) -> bool:
        gain = (1 - over_plain(plan)) * median(plain)
        extra = cold[plan] - cold[DEFAULT_PLAN] if plan.compile else 0.0
        return gain > 0 and saving(rounds[plan], plain).is_sure and extra < gain * steps

    better = [plan for plan in rounds if plan != DEFAULT_PLAN and is_cheaper(plan)]
    return min(better, key=over_plain, default=DEFAULT_PLAN)

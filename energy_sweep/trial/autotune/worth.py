"""Whether it pays to try plans: what the epochs to come could save, against what trying costs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from energy_sweep.recipe.plan import Plan
from energy_sweep.trial.autotune.saving import ROUNDS

# What another plan saves, unless more is known of the net: a guess, from small nets on CPUs,
# where channels_last saved from nothing to a third.
LIKELY_SAVING = 0.2
# Of one net, another guess: ten for a small one, a minute for a deep one.
COMPILING_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsToCome:
    """What a command has to train under one plan.

    `steps` (batches) are those of all its distinct stages, of which the store holds `done` under
    the plain plan; `most_joules` and `most_seconds` are what it may spend on them.
    """

    steps: float
    done: float = 0.0
    most_joules: float = math.inf
    most_seconds: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """An estimate of what trying plans is worth: `steps` of `joules_per_step` are to come, of
    which another plan likely saves `share`; finding it costs `price_joules`."""

    steps: float
    joules_per_step: float
    seconds_per_step: float
    share: float
    price_joules: float

    @property
    def saving_joules(self) -> float:
        """What another plan would likely save."""
        return self.share * self.steps * self.joules_per_step

    @property
    def pays(self) -> bool:
        return self.saving_joules > self.price_joules

    def of(self, wanted: StepsToCome) -> Worth:
        """The same for other steps to come, as far as their joules and seconds may be spent."""
        steps = min(
            wanted.steps,
            _at_most(wanted.most_joules, self.joules_per_step),
            _at_most(wanted.most_seconds, self.seconds_per_step),
        )
        return dataclasses.replace(self, steps=steps)

    def pays_to_switch(self, wanted: StepsToCome) -> bool:
        """Whether a command that wants more than was known pays for another plan, although what
        is done under the plain one would be done again."""
        wider = self.of(wanted)
        again = min(wanted.done, wider.steps) * self.joules_per_step
        return wider.steps > self.steps and wider.saving_joules > self.price_joules + again


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the first steps of plain tell: `joules` and `seconds` of one step, and `entering`, the
    joules of building a net and of its first steps. `steps` make a round."""

    joules: float
    seconds: float
    entering: float
    steps: int

    def price(self, rivals: Sequence[Plan]) -> float:
        """What trying so many rivals beside plain likely costs, in joules."""
        rounds = ROUNDS * self.steps * self.joules
        watts = self.joules / self.seconds if self.seconds > 0 else 0.0
        compiling = COMPILING_SECONDS * watts * sum(plan.compile for plan in rivals)
        return rounds + len(rivals) * (self.entering + rounds) + compiling

    def worth(self, to_come: StepsToCome, *, share: float, rivals: Sequence[Plan]) -> Worth:
        """Whether rivals that likely save `share` pay."""
        known = Worth(
            steps=0.0,
            joules_per_step=self.joules,
            seconds_per_step=self.seconds,
            share=share,
            price_joules=self.price(rivals),
        )
        return known.of(to_come)


def _at_most(limit: float, each: float) -> float:
    return limit / each if each > 0 else math.inf

"""Whether an effect holds, in a word and in a sentence."""

from __future__ import annotations

import math

from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.estimating import SAME_WORK

HOLDS, DOES_NOT, UNSURE, BY_CONSTRUCTION = "holds", "does not", "cannot tell", "same work"
SURE = 0.05
# Differences that nobody would act on: a point of accuracy, 5 % of joules.
SMALL = {False: 0.01, True: math.log(1.05)}


def answer_of(effect: Effect) -> str:
    """Whether there is a difference: by Holm's p value, or by an interval of small ones only."""
    found = effect.contrast
    if found.test == SAME_WORK:
        return BY_CONSTRUCTION
    if effect.contended:
        return UNSURE
    if effect.adjusted is not None and effect.adjusted < SURE:
        return HOLDS
    small = SMALL[effect.is_ratio]
    return DOES_NOT if -small <= found.low and found.high <= small else UNSURE


def change_text(effect: Effect) -> str:
    """The change: joules in percent, a ratio of more than two as one, accuracy in points."""
    return _text(effect, effect.estimate)


def interval_text(effect: Effect) -> str:
    """Its 95 % interval, in the unit of the change."""
    low, high = (_text(effect, end).split()[0] for end in effect.interval)
    return f"{low} to {high}"


def _text(effect: Effect, value: float) -> str:
    if not effect.is_ratio:
        return f"{100 * value:+.2g} pt"
    if effect.estimate > 2:
        return f"x{value:.3g}"
    return f"{100 * (value - 1):+.3g} %"

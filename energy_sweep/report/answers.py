"""What a study answers in a sentence: which axis matters, and how its front grew."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.growth import LEAST_GAIN, GrowthStep, growth
from energy_sweep.front.importance import TARGETS, Importance
from energy_sweep.front.sureness import percent_text

MOST = 0.9  # of the final front, after which little was to be found


def answers(priced: PricedStudy) -> str:
    """The sentences that take no model to say; empty where there is nothing to say."""
    found = priced.exact_importance
    said = (
        "" if found is None else importance_sentence(found),
        growth_sentence(growth(priced), priced),
    )
    return " ".join(filter(None, said))


def importance_sentence(found: Importance) -> str:
    """Which axis matters most for what."""
    accuracy, joules = (
        (axis := found.first(target), percent_text(found.axes[axis][target].share))
        for target in TARGETS
    )
    unsure = [target for target in TARGETS if not found.is_sure(target)]
    doubt = f" That is not sure for {' and '.join(unsure)}." if unsure else ""
    if accuracy[0] == joules[0]:
        return (
            f"{accuracy[0]} matters most for both: it explains {accuracy[1]} of the variance of"
            f" accuracy and {joules[1]} of that of joules.{doubt}"
        )
    return (
        f"{accuracy[0]} matters most for accuracy ({accuracy[1]} of its variance), {joules[0]} for"
        f" joules ({joules[1]}).{doubt}"
    )


def growth_sentence(steps: Sequence[GrowthStep], priced: PricedStudy) -> str:
    """After how many joules most of the front was known, and which trial brought most of it."""
    total = priced.spent_joules
    if len(steps) < 2:
        return ""
    most, best = (
        next(step for step in steps if step.share >= MOST),
        max(steps[1:], key=lambda step: step.gained),
    )
    part = f", {percent_text(most.spent_joules / total)} of all that was spent" if total else ""
    said = (
        f"The front had {percent_text(MOST)} of its final area with trial {most.trial}, after"
        f" {joules_text(most.spent_joules)} {priced.quality}{part}."
    )
    if best.gained <= LEAST_GAIN:
        return said
    return (
        f"{said} After the first trial, trial {best.trial} enlarged it most, by"
        f" {percent_text(best.gained)}."
    )

"""What a sweep spent on itself: the joules that trained no net, beside those that did."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass

from energy_sweep.record import StageRecord, StudyRecord

# The stages that make nets; all others measure them, or prepare for that.
MAKING_STAGES = ("pretrain", "trunk", "cooldown", "teacher", "compress", "recover")
# What the other stages are for.
PURPOSES = {
    "prepare": "warm-up",
    "export": "export",
    "evaluate": "accuracy",
    "infer": "timing",
    "wait": "waiting",
}
BOUGHT = "bought"  # the fact that names the setting under which a record was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Joules that a sweep spent on itself, in all and by what for, and those of training.

    `share` is the one over the other, None where nothing was trained.
    """

    joules: float
    training_joules: float
    share: float | None
    parts: dict[str, float]


def overhead(study: StudyRecord) -> Overhead:
    """The overhead of a study, the largest part first; lost work counts where it was done."""
    making, others = list[float](), defaultdict[str, list[float]](list)
    for record in study.stages.values():
        if record.stage in MAKING_STAGES:
            making.append(record.spent_joules)
        elif record.spent_joules:
            others[_purpose(record)].append(record.spent_joules)
    # Exact sums, so that the order in which records are read changes no digit.
    training, joules = math.fsum(making), math.fsum(itertools.chain(*others.values()))
    parts = {purpose: math.fsum(spent) for purpose, spent in others.items()}
    return Overhead(
        joules=joules,
        training_joules=training,
        share=joules / training if training > 0 else None,
        parts=dict(sorted(parts.items(), key=lambda part: (-part[1], part[0]))),
    )


def _purpose(record: StageRecord) -> str:
    """What a record that trains nothing is for; `calibrate` has several kinds."""
    if record.stage != "calibrate":
        return PURPOSES[record.stage]
    if BOUGHT in record.facts:
        return "certainty"
    return "plans" if "plan" in record.facts else "timing"

"""The figures of a run that effects are about, and the work that each is the joules of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from energy_sweep.front.breakdown import EPOCH_STAGES, Effort, effort
from energy_sweep.front.prices import Usage, demand
from energy_sweep.record import Objective, TrialResult

ACCURACY = "accuracy"
TO_ACCURACY = "joules_to_accuracy"
IN_TURN = "joules_in_turn"
_PIECES: dict[str, Callable[[Effort], float | None]] = {
    "joules_per_update": lambda done: done.updates,
    "joules_per_epoch": lambda done: done.epochs,
    "joules_per_training_image": lambda done: done.images,
}
# What each is called in a table, and what it means.
FIGURES = {
    ACCURACY: "accuracy on the validation images",
    "joules": "joules of one training, all its stages charged as if nothing were shared",
    "joules_per_update": "joules of its epochs for each step of the optimizer",
    "joules_per_epoch": "joules of its epochs for each of them",
    "joules_per_training_image": "joules of its epochs for each image trained on",
    "joules_per_image": "joules of the deployed net for each image",
    "joules_lifetime": "joules of training and of the images of its life",
    TO_ACCURACY: "joules of the cheapest training that reaches an accuracy",
}
# Those that `effects` shows unasked: the rest follow from them, or need an accuracy.
SHOWN = tuple(FIGURES)[:6]


def work_of(result: TrialResult, figure: str, images: int = 100_000) -> Usage | None:
    """Units of each pool that a figure of joules is; None where that is not known of a run."""
    if figure in ("joules", TO_ACCURACY):
        return demand(result, Objective(name="training")) or None
    if figure == "joules_lifetime":
        return demand(result, Objective(images=images)) or None
    if figure == "joules_per_image":
        return demand(result, Objective(name="inference")) or None
    pieces = _PIECES[figure](effort(result))
    if not pieces:
        return None
    found: defaultdict[str, float] = defaultdict(float)
    for use in result.stages:
        if use.stage in EPOCH_STAGES:
            found[use.cost_key] += use.units / pieces
    return dict(found) or None

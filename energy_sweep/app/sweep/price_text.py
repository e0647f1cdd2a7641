"""What a sweep says of prices before they are paid, and of how right that was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from energy_sweep.app.sweep.trial_text import words
from energy_sweep.front import joules_text
from energy_sweep.search.events import Chosen, Prediction, Previewed

UNKNOWN = "no price is known yet"
# A part of the price that is not worth a word.
LITTLE = 0.1


def chosen_text(event: Chosen, quality: str) -> str:
    """What is next and what it will take, in one line."""
    typed = words(event.params)
    if event.prediction is None:
        return f"next: {typed}: {UNKNOWN}"
    return f"next: {typed}: {prediction_text(event.prediction, quality)}"


def preview_text(event: Previewed, quality: str) -> str:
    """What a dry run would run, and at what price."""
    if event.count is not None:
        return _together_text(event.count, event.together, quality)
    if not event.trials:
        return "there is nothing that would be run"
    if all(price is None for _, price in event.trials):
        first = "next would be, at prices that the first of them will tell:"
        return "\n".join([first, *(f"  {words(params)}" for params, _ in event.trials)])
    lines = [
        f"  {words(params)}: {UNKNOWN if price is None else prediction_text(price, quality)}"
        for params, price in event.trials
    ]
    first = "next would be, as far as is known by now:"
    return "\n".join([first, *lines])


def _together_text(count: int, price: Prediction | None, quality: str) -> str:
    if not count:
        return "there is nothing that would be run"
    those = f"the {count} to run" if count > 1 else "the one to run"
    if price is None:
        return f"{those}: {UNKNOWN}"
    spread = price.uncertainty
    told = joules_text(price.joules, spread if spread > LITTLE * price.joules else None)
    alone = joules_text(price.joules + price.shared)
    return f"{those} would take {told} ({quality}) together, and {alone} one by one"


def prediction_text(prediction: Prediction, quality: str) -> str:
    """Predicted joules, and what is saved because other trials have done it."""
    joules, spread = prediction.joules, prediction.uncertainty
    told = joules_text(joules, spread if spread > LITTLE * joules else None)
    parts = [f"{told} predicted ({quality})"]
    if prediction.shared > LITTLE * joules:
        parts.append(f"{joules_text(prediction.shared)} more is paid already")
    return "; ".join(parts)


def predicted_text(pairs: Sequence[tuple[float, float]], quality: str) -> str:
    """How far the joules that were predicted lay from those that were paid."""
    predicted, paid = (math.fsum(column) for column in zip(*pairs, strict=True))
    errors = [abs(before / after - 1) for before, after in pairs if after > 0]
    error = f"; median error {median(errors):.0%} a trial" if errors else ""
    count = f"{len(pairs)} trial{'' if len(pairs) == 1 else 's'}"
    return (
        f"predicted {joules_text(predicted)}, paid {joules_text(paid)} ({quality}) for"
        f" {count}{error}"
    )

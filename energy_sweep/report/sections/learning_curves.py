"""Learning curves: accuracy by the length of training; joules and loss by epoch, where stored."""

from __future__ import annotations

import html
from collections.abc import Sequence

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.curves import EpochCurve, LengthCurve, epoch_curve, length_curves
from energy_sweep.record import JsonDict
from energy_sweep.report.section import Section

MOST_EPOCHS = 20_000  # of all trials, in one page


def curves_section(priced: PricedStudy) -> Section | None:
    """What is stored of each epoch, and what differs in length; None where neither is there."""
    lengths = length_curves(priced.rows)
    epochs = _epoch_curves(priced)
    if not lengths and not epochs:
        return None
    has_losses = any(loss is not None for _, curve in epochs for loss in curve.losses)
    figures = {
        "lengths-figure": ("Accuracy by epochs trained", bool(lengths)),
        "losses-figure": ("Training loss by epoch", has_losses),
        "epochs-figure": (f"Joules up to each epoch, {priced.quality}", bool(epochs)),
    }
    drawn = "".join(
        f'<figure><figcaption class="caption">{title}</figcaption>'
        f'<div class="plot" id="{name}" role="img" aria-label="{title}"></div></figure>'
        for name, (title, is_known) in figures.items()
        if is_known
    )
    return Section(
        key="curves",
        title="Learning curves",
        html=(
            f"<p>{html.escape(_sentence(lengths))}</p>"
            f'<div class="small-multiples wide-ones">{drawn}</div>'
            f'<p class="soft">{_notes(bool(lengths), has_losses, bool(epochs))}</p>'
        ),
        data={
            "epochs": {trial: _curve(curve) for trial, curve in epochs},
        },
        script="curves.js",
    )


def _epoch_curves(priced: PricedStudy) -> list[tuple[int, EpochCurve]]:
    """Those of the front first, then of others, as many as a page holds; of the first seed."""
    found: list[tuple[int, EpochCurve]] = []
    left, results = MOST_EPOCHS, dict(priced.study.results)
    for row in priced.ranked:
        curve = epoch_curve(results[row.trial], priced.study.stages)
        if curve is not None and len(curve.joules) <= left:
            left -= len(curve.joules)
            found.append((row.trial, curve))
    return found if any(len(curve.joules) > 1 for _, curve in found) else []


def _curve(curve: EpochCurve) -> JsonDict:
    return {
        "stages": list(curve.stages),
        "spent": list(curve.spent),
        "losses": list(curve.losses) if any(x is not None for x in curve.losses) else None,
    }


def _sentence(lengths: Sequence[LengthCurve]) -> str:
    """What training longer brought, and for how much, over all that differ in nothing else."""
    pairs = [(curve.rows[0], curve.rows[-1]) for curve in lengths]
    if not pairs:
        return "Each line is one trial, epoch by epoch."
    gains = sorted(last.accuracy - first.accuracy for first, last in pairs)
    costs = sorted(last.joules - first.joules for first, last in pairs)
    middle = len(pairs) // 2
    shortest = min(first.params["epochs"] for first, _ in pairs)
    longest = max(last.params["epochs"] for _, last in pairs)
    return (
        f"From {shortest} to {longest} epochs, accuracy changed by {gains[middle]:+.3f} at the"
        f" median of {len(pairs)} settings ({gains[0]:+.3f} to {gains[-1]:+.3f}), for"
        f" {joules_text(costs[middle])} more."
    )


def _notes(has_lengths: bool, has_losses: bool, has_epochs: bool) -> str:
    """How the lines are to be read."""
    said: list[str] = []
    if has_lengths:
        said.append(
            "Accuracy is of trainings that were brought to an end: each point has a cooldown of its"
            " own, and lines join configurations that differ in their epochs alone."
        )
    if has_losses:
        said.append("The loss is a mean over the training images of an epoch.")
    if has_epochs:
        said.append("Joules are the readings themselves, of the epochs of the net and of recovery.")
    said.append(
        "The front is in colour, its cheapest member faintest, and so is what is pinned. What was"
        " not stored is not drawn."
    )
    return " ".join(said)

"""The effects of a study's axes, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from energy_sweep.front import joules_text
from energy_sweep.front.effects.answers import answer_of, change_text, interval_text
from energy_sweep.front.effects.attained import AttainedFront, AttainedStep
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.linearity import Linearity
from energy_sweep.text import terminal

NAMES = {
    "joules": "joules a training",
    "joules_per_update": "joules an update",
    "joules_per_epoch": "joules an epoch",
    "joules_per_training_image": "joules an image trained on",
    "joules_per_image": "joules an image answered",
    "joules_lifetime": "joules of a life",
    "joules_to_accuracy": "joules to the accuracy",
    "joules_in_turn": "joules an image, in turn",
    "joules_spread": "most over least joules",
    "linearity": "last over first epoch",
}
HEAD = ["figure", "change", "95 %", "p", "n", "answer"]
LEAST_P = 1e-4


def effects_table(
    effects: Sequence[Effect],
    *,
    quality: str,
    spreads: Mapping[str, str],
    lines: Mapping[str, Linearity | None],
    width: int | None = None,
) -> str:
    """A table for each pair of values, what the figures mean, and what holds of whole studies.

    `spreads` says of each study how far equally accurate nets are apart.
    """
    pairs = dict.fromkeys((one.axis, one.first, one.second) for one in effects)
    told: list[str] = []
    for axis, first, second in pairs:
        those = [
            one for one in effects if (one.axis, one.first, one.second) == (axis, first, second)
        ]
        also = those[0].also
        besides = f" (they differ in {', '.join(also)} too)" if also else ""
        told.append(terminal.prose(f"{axis}={second} instead of {first}{besides}", width=width))
        rows = [effect_cells(one) for one in those]
        table = terminal.table(HEAD, rows, left={"figure", "answer"}, fold=("n",), width=width)
        told += [table, ""]
    whole = [f"{name}: {said}." for name, said in spreads.items()]
    whole += [_line_text(name, one) for name, one in lines.items()]
    notes = [*filter(None, whole), _note(quality)]
    return "\n".join([*told, *(terminal.prose(note, width=width) for note in notes)])


def attained_table(name: str, found: AttainedFront | None, *, width: int | None = None) -> str:
    """The front that seeds attain, a line for each of its steps."""
    if found is None:
        return f"{name}: no two seeds trained one configuration: type seed=0,1,2 behind -m"
    title = (
        f"{name}: accuracy for at most so many joules of training, of {found.configurations}"
        f" configurations that {found.seeds} seeds trained each"
    )
    rows = [
        [
            joules_text(one.joules),
            *("" if right is None else f"{right:.4f}" for right in _accuracies(one)),
        ]
        for one in found.steps
    ]
    head = ["joules", "every seed", "half of them", "any"]
    return "\n".join([terminal.prose(title, width=width), terminal.table(head, rows, width=width)])


def _accuracies(one: AttainedStep) -> tuple[float | None, ...]:
    return one.by_all, one.by_half, one.by_any


def effect_cells(one: Effect) -> list[str]:
    """The cells of an effect, by `HEAD`."""
    return [
        NAMES.get(one.figure, one.figure),
        change_text(one),
        interval_text(one),
        p_text(one.adjusted),
        str(one.contrast.n),
        answer_of(one),
    ]


def p_text(p_value: float | None) -> str:
    """A p value to two digits; below a ten thousandth only that."""
    if p_value is None:
        return ""
    return "<.0001" if p_value < LEAST_P else f"{p_value:.2g}"


def _line_text(name: str, one: Linearity | None) -> str:
    if one is None:
        return ""
    ends = "" if one.low is None or one.high is None else f" [{one.low:+.1%}, {one.high:+.1%}]"
    return (
        f"{name}: by the readings of {one.epochs} single epochs, the last one of a training takes"
        f" {one.change:+.1%}{ends} beside the first (n = {one.trainings} trainings); a straight"
        f" line through 0 has R2 = {one.r_squared:.4f}."
    )


def _note(quality: str) -> str:
    return (
        f"Joules are {quality}. Pairs of runs are equal in all other axes and in their seed; n"
        " counts those that did other work. p is Holm's over all tests above. holds: p < .05. does"
        " not: any difference is surely within a point of accuracy or 5 % of joules. same work:"
        " both have one price by construction. Tests and intervals: docs/effects.md, or --json."
    )

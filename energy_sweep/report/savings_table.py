"""What compression saved, as a table for a terminal and as a section of the page."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.front import joules_text
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.savings import MARGIN, Saving
from energy_sweep.text import terminal

HEAD = (
    *("trial", "compression", "achieved", "against dense", "accuracy", "95 % interval"),
    *("per image", "saved per image", "by the last step", "effort", "pays from"),
)


def savings_table(priced: PricedStudy, *, width: int | None = None) -> str:
    """What the compressed configurations on the front save; empty where there are none."""
    found = priced.savings_on_front
    if not found:
        return ""
    title = (
        f"What compression saves on the front, against the same left dense, {priced.quality};"
        f" it pays unless accuracy is surely lost by more than {MARGIN:g}"
    )
    head, *rows = savings_lines(found)
    table = terminal.table(
        head,
        rows,
        left={"trial", "compression"},
        fold=("by the last step", "effort", "per image", "achieved", "95 % interval", "accuracy"),
        width=width,
    )
    return f"{terminal.prose(title, width=width)}\n{table}"


def savings_lines(found: Sequence[Saving]) -> list[tuple[str, ...]]:
    """The savings as a table, its head first; a column that says nothing is left out."""
    lines = [HEAD, *map(_cells, found)]
    said = [index for index in range(len(HEAD)) if any(line[index] for line in lines[1:])]
    return [tuple(line[index] for index in said) for line in lines]


def _cells(one: Saving) -> tuple[str, ...]:
    low, high = one.accuracy.low, one.accuracy.high
    return (
        str(one.trial),
        one.compression,
        one.achieved or "-",
        f"trial {one.dense}",
        f"{one.accuracy.change:+.4f}{_more(one.more_epochs)}",
        f"{low:+.3f} to {high:+.3f}",
        joules_text(one.per_image),
        one.saved.text,
        "" if one.last_step is None else one.last_step.text,
        one.effort.text,
        pays_text(one),
    )


def _more(epochs: float) -> str:
    """What else than compression the change of accuracy is due to."""
    count = f"{abs(epochs):g} epoch{'' if abs(epochs) == 1 else 's'}"
    return f" ({count} {'more' if epochs > 0 else 'fewer'})" if epochs else ""


def pays_text(one: Saving) -> str:
    """From how many images on a compression has saved what it took."""
    if one.loses:
        return "loses accuracy"
    return "not surely" if one.images is None else f"{one.images:,.0f} images"

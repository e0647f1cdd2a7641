"""What compression saved, as a table for a terminal and as a section of the page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

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
    head, *rows = _lines(found)
    table = terminal.table(
        head,
        rows,
        left={"trial", "compression"},
        fold=("by the last step", "effort", "per image", "achieved", "95 % interval", "accuracy"),
        width=width,
    )
    return f"{terminal.prose(title, width=width)}\n{table}"


def savings_html(priced: PricedStudy) -> str:
    """All savings as a section of the report; empty where the study compressed nothing."""
    found = priced.savings
    if not found:
        return ""
    head, *cells = _lines(found)
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join(_line(line) for line in cells)
    kept = "".join(
        f"<li>trial {one.trial} ({html.escape(one.compression)}): "
        + html.escape(", ".join(f"{name} {part}" for name, part in one.kept.items()))
        + "</li>"
        for one in found
        if one.kept
    )
    layers = f"<details><summary>What was kept, layer by layer</summary><ul>{kept}</ul></details>"
    return (
        "<h2>What compression saved</h2>"
        f'<p class="soft">Against the same configuration left dense, in joules ({priced.quality}),'
        " trained"
        " for as many epochs in all, recovery among them, or for the nearest number that the study"
        " has: then the table says how many epochs more or fewer, and the change of accuracy is not"
        " due to compression alone. The interval is of that change, at 95 %: image by image where"
        " both answered the same ones. Effort"
        " is compressing, recovering and teaching; it pays from so many images on, unless accuracy"
        f" is surely lost by more than {MARGIN:g}. A saving below"
        " 0 is a compressed net that costs more, or a last step that does: int8 on top of pruning"
        " often does on small nets.</p>"
        f'<div class="scroll"><table class="crowded"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{layers if kept else ''}"
    )


def _lines(found: Sequence[Saving]) -> list[tuple[str, ...]]:
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
        _pays(one),
    )


def _more(epochs: float) -> str:
    """What else than compression the change of accuracy is due to."""
    count = f"{abs(epochs):g} epoch{'' if abs(epochs) == 1 else 's'}"
    return f" ({count} {'more' if epochs > 0 else 'fewer'})" if epochs else ""


def _pays(one: Saving) -> str:
    if one.loses:
        return "loses accuracy"
    return "not surely" if one.images is None else f"{one.images:,.0f} images"


def _line(cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{_in_parts(cell)}</td>" for cell in cells) + "</tr>"


def _in_parts(cell: str) -> str:
    """A cell that may break between its parts, and in the midst of no number or unit."""
    parts = re.split(r" (?=± |\(|to )", cell)
    return " ".join(f'<span class="whole">{html.escape(part)}</span>' for part in parts)

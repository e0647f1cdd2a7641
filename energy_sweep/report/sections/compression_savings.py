"""What compression saved, against the same configurations left dense: by technique and level."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.savings import MARGIN, Saving
from energy_sweep.report.savings_table import pays_text, savings_lines
from energy_sweep.report.section import Section

HEAD = (
    *("compression", "level", "configurations", "accuracy", "saved per image", "of its joules"),
    *("effort", "pays from"),
)


def savings_section(priced: PricedStudy) -> Section | None:
    """A row for each technique and level, and every configuration behind a fold.

    None where the study compressed nothing.
    """
    found = priced.savings
    if not found:
        return None
    body = "".join(
        (
            f'<p class="soft">{_text(priced.quality)}</p>',
            _table(_summary(priced, found)),
            _fold(f"All {len(found)} configurations", _table(savings_lines(found))),
            _fold("What was kept, layer by layer", _kept(found)),
        )
    )
    return Section(key="savings", title="What compression saved", html=body)


def _text(quality: str) -> str:
    return (
        f"Against the same configuration left dense, in joules ({quality}), trained"
        " for as many epochs in all, recovery among them, or for the nearest number that the study"
        " has: then the table of all says how many epochs more or fewer, and the change of accuracy"
        " is not due to compression alone. Ranges are from the least to the most of the"
        " configurations of a row. Effort"
        " is compressing, recovering and teaching; it pays from so many images on, unless accuracy"
        f" is surely lost by more than {MARGIN:g}. A saving below"
        " 0 is a compressed net that costs more, or a last step that does: int8 on top of pruning"
        " often does on small nets."
    )


def _summary(priced: PricedStudy, found: Sequence[Saving]) -> list[tuple[str, ...]]:
    """The head, then a line for each technique and level, in order."""
    groups = defaultdict[tuple[str, float], list[Saving]](list)
    level_of = {one.trial: one.runs[0][1].config.get("level", 0.0) for one in priced.configurations}
    for one in found:
        groups[one.compression, level_of[one.trial]].append(one)
    return [HEAD, *(_line(*key, groups[key]) for key in sorted(groups))]


def _line(compression: str, level: float, alike: Sequence[Saving]) -> tuple[str, ...]:
    return (
        compression,
        f"{level:g}",
        str(len(alike)),
        _range([one.accuracy.change for one in alike], lambda value: f"{value:+.4f}"),
        _range([one.saved.joules for one in alike], joules_text),
        _range(_shares(alike), lambda value: f"{value:.0%}"),
        _range([one.effort.joules for one in alike], joules_text),
        _pays(alike),
    )


def _shares(alike: Sequence[Saving]) -> list[float]:
    """What is saved of the joules that an image costs the dense net, where that costs any."""
    dense = [(one.saved.joules, one.per_image + one.saved.joules) for one in alike]
    return [saved / whole for saved, whole in dense if whole > 0]


def _range(values: Sequence[float], text: Callable[[float], str]) -> str:
    """The least and the most, or the one value that all are."""
    if not values:
        return ""
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low} to {high}"


def _pays(alike: Sequence[Saving]) -> str:
    """From how many images on the first and the last of those pay that do, and how many do not."""
    known = sorted(
        (one for one in alike if one.images is not None), key=lambda one: one.images or 0
    )
    never = len(alike) - len(known)
    if not known:
        losing = sum(one.loses for one in alike)
        return "loses accuracy" if losing == never else "not surely"
    ends = dict.fromkeys(pays_text(one) for one in (known[0], known[-1]))
    return " to ".join(ends) + (f" ({never} not surely)" if never else "")


def _kept(found: Iterable[Saving]) -> str:
    items = "".join(
        f"<li>trial {one.trial} ({html.escape(one.compression)}): "
        + html.escape(", ".join(f"{name} {part}" for name, part in one.kept.items()))
        + "</li>"
        for one in found
        if one.kept
    )
    return items and f"<ul>{items}</ul>"


def _fold(title: str, body: str) -> str:
    return body and f"<details><summary>{title}</summary>{body}</details>"


def _table(lines: Sequence[Sequence[str]]) -> str:
    head, *rows = lines
    titles = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="crowded stacked"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    """One that may break between its parts, and in the midst of no number or unit."""
    parts = re.split(r" (?=± |\(|to )", text)
    whole = " ".join(f'<span class="whole">{html.escape(part)}</span>' for part in parts)
    return f"<td><span>{whole}</span></td>"

"""Verdicts over claims, as text for a terminal and as cells of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.effects.answers import change_text, interval_text
from energy_sweep.front.effects.claims import LINEAR, SPREAD, SUPPORTED, UNDECIDED, ClaimVerdict
from energy_sweep.record import JsonDict
from energy_sweep.report.effects_table import NAMES, p_text
from energy_sweep.text import terminal

HEAD = ["claim", "figure", "found", "95 %", "test", "size", "p", "n", "answer"]
LEFT = {"claim", "figure", "test", "answer"}
FOLD = ("size", "test", "n", "p", "figure")


def verdict_table(
    title: str,
    verdicts: Sequence[ClaimVerdict],
    *,
    studies: Mapping[str, PricedStudy],
    width: int | None = None,
) -> str:
    """One line for each claim, controls apart, what is not decided, and what figures mean."""
    spent = sum(one.spent_joules for one in studies.values())
    first = next(iter(studies.values()))
    count = "1 study" if len(studies) == 1 else f"{len(studies)} studies"
    said = (
        f"{title}: {count} on {first.study.machine.get('device_class')},"
        f" {joules_text(spent)} {first.quality}"
    )
    parts = [terminal.prose(said, width=width)]
    for name, is_control in (("claims", False), ("controls", True)):
        those = [one for one in verdicts if one.claim.control == is_control]
        if not those:
            continue
        held = sum(one.answer == SUPPORTED for one in those)
        open_ = sum(one.answer == UNDECIDED for one in those)
        counts = f"{held} supported, {len(those) - held - open_} contradicted, {open_} not decided"
        rows = [verdict_cells(one) for one in those]
        parts += [
            "",
            f"{name}: {counts} here",
            terminal.table(HEAD, rows, left=LEFT, fold=FOLD, width=width),
            *(terminal.prose(line, width=width) for line in claim_lines(those)),
        ]
    parts += ["", *(terminal.prose(note, width=width) for note in notes(first.quality))]
    return "\n".join(parts)


def verdict_cells(one: ClaimVerdict) -> list[str]:
    """The cells of a verdict, by `HEAD`."""
    figure = NAMES.get(one.claim.figure, one.claim.figure)
    effect = one.effect
    if one.claim.figure in (SPREAD, LINEAR):
        text, ends = _whole_text(one)
        return [one.claim.key, figure, text, ends, "", "", "", "", one.answer]
    if effect is None:
        return [one.claim.key, figure, "", "", "", "", "", "", one.answer]
    found = effect.contrast
    size = "" if found.size is None else f"{found.size:.2g} ({found.size_name})"
    return [
        one.claim.key,
        figure,
        change_text(effect),
        interval_text(effect),
        found.test,
        size,
        p_text(effect.adjusted if effect.adjusted is not None else found.p_value),
        str(found.n),
        one.answer,
    ]


def claim_lines(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    """What each claim says, and what would decide it where it is open."""
    lines: list[str] = []
    for one in verdicts:
        line = f"  {one.claim.key}: {one.claim.says}"
        if one.beside is not None:
            name = NAMES[one.beside.figure]
            line += f"; {name}: {change_text(one.beside)} ({interval_text(one.beside)})"
        if one.why:
            line += f"; {one.why}"
        if one.answer == UNDECIDED and one.decides:
            line += f"; would decide it: {one.decides}"
        lines.append(line)
    return lines


def notes(quality: str) -> list[str]:
    """What the figures of verdicts mean."""
    return [
        f"Joules are {quality}. found: the second side beside the first, matched on all else and"
        " the seed; n counts pairs that did other work. p is Holm's over the claims, and apart over"
        " the controls; supported and contradicted are at 5 % after that (docs/effects.md)."
    ]


def machines_table(documents: Sequence[JsonDict], *, width: int | None = None) -> str:
    """What several machines found of each claim, a column for each."""
    names = [_machine_name(one, place) for place, one in enumerate(documents, 1)]
    claims = dict.fromkeys(
        str(one["claim"]) for document in documents for one in document["claims"]
    )
    found = [{str(one["claim"]): one for one in document["claims"]} for document in documents]
    rows = [[key, *(_shared_text(each.get(key)) for each in found)] for key in claims]
    told = [
        f"{name}: {one['size']}, joules {one['meter'].get('quality')} of"
        f" {', '.join(map(str, one['meter'].get('domains') or ()))}"
        for name, one in zip(names, documents, strict=True)
    ]
    table = terminal.table(["claim", *names], rows, left={"claim", *names}, width=width)
    return "\n".join([table, *(terminal.prose(line, width=width) for line in told)])


def _machine_name(document: JsonDict, place: int) -> str:
    machine: JsonDict = document["machine"]
    return f"{place}: {machine.get('gpu') or machine.get('device_class') or 'unknown'}"


def _shared_text(one: JsonDict | None) -> str:
    if one is None:
        return "-"
    effect: Any = one.get("effect") or one
    estimate, interval = effect.get("estimate"), effect.get("interval")
    if not isinstance(estimate, int | float) or not isinstance(interval, list):
        return str(one["answer"])
    ends = [f"{end:.3g}" for end in cast(list[Any], interval) if isinstance(end, int | float)]
    return f"{estimate:.3g} [{', '.join(ends)}] {one['answer']}"


def _whole_text(one: ClaimVerdict) -> tuple[str, str]:
    estimate, interval = one.figures.get("estimate"), one.figures.get("interval")
    if estimate is None:
        return "", ""
    form = "{:+.1%}" if one.claim.figure == LINEAR else "x{:.3g}"
    ends = "" if interval is None else " to ".join(form.format(end) for end in interval)
    return form.format(estimate), ends

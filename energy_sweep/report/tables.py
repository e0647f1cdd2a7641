"""What a study found, as tables for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from energy_sweep.front import joules_text
from energy_sweep.front.achieved import achieved_of
from energy_sweep.front.savings import MARGIN, savings, savings_lines
from energy_sweep.recipe.dials import typed
from energy_sweep.record import JsonDict, StudyRecord
from energy_sweep.report.figures import objective_text
from energy_sweep.text import terminal

ACHIEVED = "achieved"


def tables(study: StudyRecord, document: JsonDict, *, width: int | None = None) -> str:
    """The front, what compression saves on it, and the bill, in lines of `width` or any length."""
    parts = (
        front_table(document, width=width),
        savings_table(study, document, width=width),
        bill_table(document, width=width),
    )
    return "\n\n".join(filter(None, parts))


def front_table(document: JsonDict, *, width: int | None = None) -> str:
    """The front as aligned text, cheapest first."""
    quality = document["quality"]
    axes = (*axes_of(document["front"]), *achieved_in(document["front"]))
    doubts = doubts_of(document["front"])
    head = [*head_of(axes, quality), "seeds", *doubts]
    rows = [
        [*cells_of(row, axes), str(len(row["seeds"])), *(short(row[of]) for of in doubts.values())]
        for row in document["front"]
    ]
    _, _, interval, _, per_image, seeds, *_ = head[len(axes) :]
    table = terminal.table(
        head,
        rows,
        left={*head[: 1 + len(axes)], *doubts},
        fold=(seeds, *doubts, per_image, interval, *reversed(axes)),
        width=width,
    )
    total = len(document["front"]) + len(document["dominated"])
    title = (
        f"{document['study']}: {len(document['front'])} of {total} configurations on the front, "
        f"by accuracy and {objective_text(document)}, {quality}"
    )
    notes = "\n".join(filter(None, [disturbed(document), band(document)]))
    said, noted = (terminal.prose(text, width=width) for text in (title, notes))
    return f"{said}\n{table}\n{noted}"


def bill_table(document: JsonDict, *, width: int | None = None) -> str:
    """The bill as aligned text, a stage a line, and what sharing saved on all of it."""
    quality = document["quality"]
    head = ["stage", "runs", "uses", f"spent ({quality})", "share", f"one by one ({quality})"]
    lines: list[list[str]] = []
    for stage, line in document["bill"].items():
        spent, attributed = line["spent_joules"], line["attributed_joules"]
        counts = [str(line["runs"]), str(line["uses"])]
        share = f"{line['spent_share']:.0%}"
        lines.append([stage, *counts, joules_text(spent), share, joules_text(attributed)])
    table = terminal.table(head, lines, left={"stage"}, fold=("uses", "runs", "share"), width=width)
    return f"{table}\n{terminal.prose(bill_sentence(document), width=width)}"


def savings_table(study: StudyRecord, document: JsonDict, *, width: int | None = None) -> str:
    """What the compressed configurations on the front save; empty where there are none."""
    on_front = {row["trial"] for row in document["front"]}
    found = [one for one in savings(study) if one.trial in on_front]
    if not found:
        return ""
    title = (
        f"What compression saves on the front, against the same left dense, {document['quality']};"
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


def axes_of(lines: Sequence[JsonDict]) -> tuple[str, ...]:
    """The axes that any of some configurations has."""
    return tuple(dict.fromkeys(name for line in lines for name in line["params"]))


def short(numbers: Sequence[int]) -> str:
    """The first few of some trial numbers."""
    if not numbers:
        return "none"
    more = f" +{len(numbers) - 6}" if len(numbers) > 6 else ""
    return ", ".join(map(str, numbers[:6])) + more


def doubts_of(lines: Sequence[JsonDict]) -> dict[str, str]:
    """What a table says of a configuration beside others: columns by their titles."""
    is_beaten = any(line["beaten_by"] for line in lines)
    return {"rivals": "rivals", **({"beaten by": "beaten_by"} if is_beaten else {})}


def disturbed(document: JsonDict) -> str:
    """Which configurations have joules of contended windows alone; empty where none has."""
    lines = [*document["front"], *document["dominated"]]
    trials = sorted(line["trial"] for line in lines if line["contended"])
    if not trials:
        return ""
    return (
        f"contended: other programs ran in all windows that a part of the joules of trials"
        f" {short(trials)} rests on; they beat nothing until they are measured again: type"
        f" python -m energy_sweep stages {shlex.quote(document['study'])} --again"
    )


def band(document: JsonDict) -> str:
    """What is not known of all joules together."""
    low, high = document["scale_band"]
    if low == high == 1:
        return "The joules have no factor in common that is unknown."
    return (
        f"All {document['quality']} joules of this machine share one unknown factor between "
        f"{low:.3g} and {high:.3g}; it does not change which configuration is cheaper."
    )


def bill_sentence(document: JsonDict) -> str:
    """What was spent, all in, and what sharing saved of it."""
    spent, attributed = document["spent_joules"], document["attributed_joules"]
    saved = f", {attributed / spent:.1f} times as much" if spent > 0 else ""
    quality = document["quality"]
    return (
        f"Spent, all stages and all lost work: {joules_text(spent)} {quality}. One by one, each"
        f" trial with nothing to share, it would have been {joules_text(attributed)} {quality}"
        f"{saved}."
    )


def achieved_in(lines: Sequence[JsonDict]) -> tuple[str, ...]:
    """The title of the column of what compressions achieved, if any of some rows has it."""
    return (ACHIEVED,) if any(achieved_of(line) for line in lines) else ()


def head_of(axes: Sequence[str], quality: str) -> list[str]:
    """The titles of the columns of `cells_of`; `axes` may end in what was achieved."""
    head = ["trial", *axes, "accuracy", "95 % interval"]
    return [*head, f"joules ({quality})", f"per image ({quality})"]


def cells_of(row: JsonDict, axes: Sequence[str]) -> list[str]:
    """What a table says of a configuration, under `head_of`."""
    per_image, infer = row["joules_per_image"], row["stages"].get("infer", {})
    mark, image_mark = row["contended"], ["infer"] if infer.get("contended") else []
    return [
        str(row["trial"]),
        *(_dial(row, name) for name in axes),
        f"{row['accuracy']:.3f}",
        f"{row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}",
        _marked(joules_text(row["joules"], row["uncertainty_joules"]), mark),
        "" if per_image is None else _marked(joules_text(per_image), image_mark),
    ]


def _dial(row: JsonDict, name: str) -> str:
    """What a row has under the title of an axis."""
    return achieved_of(row) if name == ACHIEVED else typed(row["params"].get(name))


def _marked(joules: str, stages: Sequence[str]) -> str:
    return f"{joules} contended" if stages else joules

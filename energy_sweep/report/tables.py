"""What a study found, as tables for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from energy_sweep.front import PricedStudy, Row, joules_text
from energy_sweep.front.overhead import overhead
from energy_sweep.front.sureness import percent_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.report.answers import answers
from energy_sweep.report.figures import objective_text
from energy_sweep.report.savings_table import savings_table
from energy_sweep.text import terminal

ACHIEVED = "achieved"
BELONGS = "belongs"

# Members that belong with less than this are as likely as not to be there by luck.
UNLIKELY = 0.5

# Others that belong with at least this are named, the first few of them.
NEAR, MOST_NEAR = 0.2, 3


def tables(priced: PricedStudy, *, width: int | None = None) -> str:
    """The front, savings on it, the bill, and answers, in lines of `width` or any length."""
    parts = (
        front_table(priced, width=width),
        savings_table(priced, width=width),
        bill_table(priced, width=width),
        terminal.prose(answers(priced), width=width),
    )
    return "\n\n".join(filter(None, parts))


def front_table(priced: PricedStudy, *, width: int | None = None) -> str:
    """The front as aligned text, cheapest first."""
    if not priced.rows:
        said = (no_front_sentence(priced), constraints_sentence(priced))
        return terminal.prose(" ".join(filter(None, said[-1:] if said[1] else said)), width=width)
    quality = priced.quality
    axes = (*axes_of(priced.front), *achieved_in(priced.front))
    doubts = doubts_of(priced.front)
    head = [*head_of(axes, quality), BELONGS, *doubts]
    rows: list[list[str]] = []
    for row in priced.front:
        trials = (short(of(row)) for of in doubts.values())
        rows.append([*cells_of(row, axes), belongs(row), *trials])
    _, _, interval, seeds, _, per_image, *_ = head[len(axes) :]
    table = terminal.table(
        head,
        rows,
        left={*head[: 1 + len(axes)], *doubts},
        fold=(seeds, *doubts, per_image, interval, *reversed(axes)),
        width=width,
    )
    total = len(priced.rows)
    title = (
        f"{priced.study.name}: {len(priced.front)} of {total} configurations on the front, "
        f"by accuracy and {objective_text(priced.objective)}, {quality}"
    )
    said_of_all = (
        constraints_sentence(priced),
        wrong_sentence(priced),
        disturbed(priced),
        priced.scale_text,
    )
    notes = "\n".join(filter(None, said_of_all))
    said, noted = (terminal.prose(text, width=width) for text in (title, notes))
    return f"{said}\n{table}\n{noted}"


def no_front_sentence(priced: PricedStudy) -> str:
    """Why a study has no front: what became of its trials."""
    reasons = {row.trial: row.reason for row in priced.infeasible}
    trials = priced.study.trials
    reasons |= {one.number: f"failed: {one.error}" for one in trials if one.state == "failed"}
    said = [f"trial {number}: {terminal.one_line(reasons[number])}" for number in sorted(reasons)]
    head = f"{priced.study.name}: there is no front, since no trial has been measured"
    if not said:
        return head
    more = f"; and {len(said) - MOST_NEAR} more" if len(said) > MOST_NEAR else ""
    return f"{head}. {'; '.join(said[:MOST_NEAR])}{more}"


def constraints_sentence(priced: PricedStudy) -> str:
    """What the study's constraints are, and how many keep them; empty where there are none."""
    if not priced.constraints:
        return ""
    kept, all_rows = len(priced.rows), len(priced.rows) + len(priced.excluded)
    ones = f"configuration{'s' * (all_rows != 1)}"
    told = f"The study asks for {priced.constraints.text}:"
    if not kept:
        return f"{told} there is no front, since none of {all_rows} {ones} has that."
    return f"{told} {kept} of {all_rows} {ones} have that; --unconstrained shows all."


def bill_table(priced: PricedStudy, *, width: int | None = None) -> str:
    """The bill as aligned text, a stage a line, and what sharing saved on all of it."""
    quality = priced.quality
    head = ["stage", "runs", "uses", f"spent ({quality})", "share", f"one by one ({quality})"]
    lines: list[list[str]] = []
    for stage, line in priced.bill.items():
        spent, alone = joules_text(line.spent_joules), joules_text(line.attributed_joules)
        counts = [str(line.runs), str(line.uses)]
        lines.append([stage, *counts, spent, f"{line.spent_share:.0%}", alone])
    table = terminal.table(head, lines, left={"stage"}, fold=("uses", "runs", "share"), width=width)
    return f"{table}\n{terminal.prose(bill_sentence(priced), width=width)}"


def axes_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The axes that any of some configurations has."""
    return tuple(dict.fromkeys(name for row in rows for name in row.params))


def short(numbers: Sequence[int], *, most: int = 6) -> str:
    """The first few of some trial numbers."""
    if not numbers:
        return "none"
    more = f" +{len(numbers) - most}" if len(numbers) > most else ""
    return ", ".join(map(str, numbers[:most])) + more


def doubts_of(rows: Sequence[Row]) -> dict[str, Callable[[Row], Sequence[int]]]:
    """What a table says of a configuration beside others: the trials of a row, by column."""
    columns: dict[str, Callable[[Row], Sequence[int]]] = {"rivals": lambda row: row.rivals}
    if any(row.beaten_by for row in rows):
        columns["beaten by"] = lambda row: row.beaten_by
    return columns


def belongs(row: Row) -> str:
    """The probability that a row belongs to the front; empty where that is not known."""
    return "" if row.belongs is None else percent_text(row.belongs)


def unlikely(priced: PricedStudy) -> tuple[Row, ...]:
    """The members of the front that likely do not belong to it."""
    return tuple(row for row in priced.front if (row.belongs or 0.0) < UNLIKELY)


def likely_wrong(priced: PricedStudy) -> str:
    """The first of those trials, in brackets; empty where there are none."""
    trials = [row.trial for row in unlikely(priced)]
    plural = "s" if len(trials) > 1 else ""
    return f" (likely trial{plural} {short(trials)})" if trials else ""


def wrong_sentence(priced: PricedStudy) -> str:
    """How many members of the front are expected to be wrong, and which likely are."""
    count, wrong = len(priced.front), priced.expected_wrong
    if not count:
        return ""
    members = (
        f"Of {count} members, {wrong:.1f} are" if count > 1 else f"Of 1 member, {wrong:.2f} is"
    )
    return (
        f"{members} expected not to belong to the front{likely_wrong(priced)}: {BELONGS} is the"
        " probability that no other configuration is both more accurate and cheaper in truth."
        f"{near_sentence(priced)}"
    )


def near_sentence(priced: PricedStudy) -> str:
    """Which configurations perhaps belong that are not on the front; empty where there are none."""
    near = [row for row in priced.dominated if (row.belongs or 0.0) >= NEAR]
    near.sort(key=lambda row: (-(row.belongs or 0.0), row.trial))
    said = [f"{row.trial} ({belongs(row)})" for row in near[:MOST_NEAR]]
    if not said:
        return ""
    more = f" and {len(near) - MOST_NEAR} more" if len(near) > MOST_NEAR else ""
    return (
        f" Not on it, but perhaps in truth: trial{'s' * (len(near) > 1)} {', '.join(said)}{more}."
    )


def disturbed(priced: PricedStudy) -> str:
    """Which configurations have joules of contended windows alone; empty where none has."""
    trials = sorted(row.trial for row in priced.rows if row.contended)
    if not trials:
        return ""
    return (
        f"contended: other programs ran in all windows that a part of the joules of trials"
        f" {short(trials)} rests on; they beat nothing until they are measured again: type"
        f" python -m energy_sweep stages {shlex.quote(priced.study.name)} --again"
    )


def bill_sentence(priced: PricedStudy) -> str:
    """What was spent, all in, what sharing saved of it, and what of it trained nothing."""
    spent, attributed = priced.spent_joules, priced.attributed_joules
    saved = f", {attributed / spent:.1f} times as much" if spent > 0 else ""
    quality = priced.quality
    return (
        f"Spent, all stages and all lost work: {joules_text(spent)} {quality}. One by one, each"
        f" trial with nothing to share, it would have been {joules_text(attributed)} {quality}"
        f"{saved}.{overhead_sentence(priced)}"
    )


def overhead_sentence(priced: PricedStudy) -> str:
    """What the sweep spent on itself, over what it trained for; empty where nothing was trained."""
    found = overhead(priced.study)
    if found.share is None:
        return ""
    parts = ", ".join(f"{name} {joules_text(joules)}" for name, joules in found.parts.items())
    return f" On itself: {found.share:.0%} of the joules of training{f' ({parts})' * bool(parts)}."


def achieved_in(rows: Sequence[Row]) -> tuple[str, ...]:
    """The title of the column of what compressions achieved, if any of some rows has it."""
    return (ACHIEVED,) if any(row.achieved for row in rows) else ()


def head_of(axes: Sequence[str], quality: str) -> list[str]:
    """The titles of the columns of `cells_of`; `axes` may end in what was achieved."""
    head = ["trial", *axes, "accuracy", "95 % interval", "n"]
    return [*head, f"joules ({quality})", f"per image ({quality})"]


def cells_of(row: Row, axes: Sequence[str]) -> list[str]:
    """What a table says of a configuration, under `head_of`."""
    per_image, infer = row.joules_per_image, row.stages.get("infer")
    mark, image_mark = row.contended, ["infer"] if infer and infer.contended else []
    return [
        str(row.trial),
        *(_dial(row, name) for name in axes),
        f"{row.accuracy:.3f}",
        f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}",
        str(row.n),
        _marked(joules_text(row.joules, row.uncertainty_joules), mark),
        "" if per_image is None else _marked(joules_text(per_image), image_mark),
    ]


def _dial(row: Row, name: str) -> str:
    """What a row has under the title of an axis."""
    return row.achieved if name == ACHIEVED else value_text(row.params.get(name))


def _marked(joules: str, stages: Sequence[str]) -> str:
    return f"{joules} contended" if stages else joules

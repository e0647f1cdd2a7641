"""The front as a table, each member with the command that runs it again."""

from __future__ import annotations

import html
from collections.abc import Sequence

from energy_sweep.front import PricedStudy, command
from energy_sweep.report.figures import objective_text
from energy_sweep.report.section import Section
from energy_sweep.report.tables import (
    BELONGS,
    achieved_in,
    axes_of,
    belongs,
    cells_of,
    doubts_of,
    head_of,
    near_sentence,
    short,
    unlikely,
)
from energy_sweep.text.terminal import is_constant

TEXT = (
    "No configuration of the study is both more accurate and cheaper than one of"
    " these; <em>belongs</em> is the probability that this is so in truth (fainter where it likely"
    " is not), <em>rivals</em> are trials that it cannot be told apart from, beyond uncertainty."
)


def front_section(priced: PricedStudy) -> Section:
    """The members with their doubts, and who else perhaps belongs."""
    told = f"By {objective_text(priced.objective)}, cheapest first. {TEXT}"
    return Section(
        key="members",
        title="The front",
        html=f'<p class="soft">{told}</p>{_table(priced)}'
        f'<p class="soft">{near_sentence(priced).strip()}</p>',
    )


def _table(priced: PricedStudy) -> str:
    """The members, and above them once what is the same of all."""
    axes = (*axes_of(priced.front), *achieved_in(priced.front))
    doubts = doubts_of(priced.front)
    head = [*head_of(axes, priced.quality), BELONGS]
    lines = [[*cells_of(row, axes), belongs(row)] for row in priced.front]
    # Titles of axes come first, after that of the trial.
    may_be_once = {*range(1, 1 + len(axes)), head.index("n")}
    once = [place for place in sorted(may_be_once) if is_constant(lines, place)]
    kept = [place for place in range(len(head)) if place not in once]
    titles = "".join(map(_title, [*(head[place] for place in kept), *doubts]))
    unsure = {row.trial for row in unlikely(priced)}
    commands = {trial.number: command(trial) for trial in priced.study.trials}
    body = "".join(
        _member(
            [line[place] for place in kept],
            [of(row) for of in doubts.values()],
            typed=commands[row.trial],
            is_unsure=row.trial in unsure,
        )
        for row, line in zip(priced.front, lines, strict=True)
    )
    same = " · ".join(f"{head[place]} {lines[0][place]}" for place in once)
    said = f'<p class="soft small">In every row: {html.escape(same)}.</p>' if same else ""
    return (
        f'{said}<div class="scroll"><table class="crowded stacked"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _title(text: str) -> str:
    return f"<th>{html.escape(text).replace('.', '.<wbr>')}</th>"


def _member(
    cells: Sequence[str], doubts: Sequence[Sequence[int]], *, typed: str, is_unsure: bool
) -> str:
    """A row of the table, and one for the command."""
    line = "".join(f'<td class="wide">{html.escape(cell)}</td>' for cell in cells)
    line += "".join(
        f'<td class="wide" title="{", ".join(map(str, trials))}">{short(trials, most=3)}</td>'
        for trials in doubts
    )
    return (
        f'<tr{" class=unsure" * is_unsure}>{line}</tr><tr class="command">'
        f'<td colspan="{len(cells) + len(doubts)}"><code>{html.escape(typed)}</code></td></tr>'
    )

"""The front as a table, each member with the command that runs it again."""

from __future__ import annotations

import html

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
        html=f'<p class="soft">{told}</p><div class="scroll">{_table(priced)}</div>'
        f'<p class="soft">{near_sentence(priced).strip()}</p>',
    )


def _table(priced: PricedStudy) -> str:
    commands = {trial.number: command(trial) for trial in priced.study.trials}
    axes = (*axes_of(priced.front), *achieved_in(priced.front))
    doubts = doubts_of(priced.front)
    head = [*head_of(axes, priced.quality), BELONGS, *doubts]
    unsure = {row.trial for row in unlikely(priced)}
    lines: list[str] = []
    for row in priced.front:
        cells = [*cells_of(row, axes), belongs(row)]
        line = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        line += "".join(f'<td class="wide">{short(of(row))}</td>' for of in doubts.values())
        text = html.escape(commands[row.trial])
        lines.append(
            f'<tr{" class=unsure" * (row.trial in unsure)}>{line}</tr><tr class="command">'
            f'<td colspan="{len(head)}"><code>{text}</code></td></tr>'
        )
    titles = "".join(f"<th>{html.escape(title).replace('.', '.<wbr>')}</th>" for title in head)
    return (
        f'<table class="crowded stacked"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )

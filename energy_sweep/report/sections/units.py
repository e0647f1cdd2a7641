"""The front and the bill in kWh, money and CO2, where factors for that were typed."""

from __future__ import annotations

import html
from functools import partial

from energy_sweep.front import PricedStudy
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.report.section import MakeSection, Section
from energy_sweep.report.units_text import front_cells, life_text, note_text, spent_text


def units_section(units: OtherUnits) -> MakeSection:
    """What makes the section by these factors, which are its data too."""
    return partial(_made, units=units)


def _made(priced: PricedStudy, units: OtherUnits) -> Section:
    head, rows = front_cells(priced, units)
    titles = "".join(f"<th>{html.escape(title)}</th>" for title in head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    table = (
        '<div class="scroll"><table class="stacked">'
        f"<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
    spent = spent_text(priced, units)
    said = (life_text(priced), f"factors: {note_text(priced.study.meter, units)}")
    note = "; ".join(filter(None, said))
    return Section(
        key="units",
        title="In other units",
        html=(
            f"{table * bool(rows)}<p>{html.escape(spent[0].upper() + spent[1:])}</p>"
            f'<p class="soft">{html.escape(note[0].upper() + note[1:])}.</p>'
        ),
        data=units.document,
    )

"""Accuracy over joules, by technique and level; above a least accuracy alone."""

from __future__ import annotations

from energy_sweep.front import PricedStudy
from energy_sweep.report.page_data import floor
from energy_sweep.report.section import Section


def efficiency_section(priced: PricedStudy) -> Section | None:
    """Efficiency of every configuration, with a least accuracy that the page lets one change."""
    rows = [row for row in priced.rows if row.joules > 0]
    if len(rows) < 2:
        return None
    least = floor(priced)
    best = max(row.accuracy for row in rows)
    return Section(
        key="efficiency",
        title="Efficiency",
        html=(
            '<p id="efficiency-said"></p>'
            '<p><label>least accuracy <input type="range" id="efficiency-floor" min="0"'
            f' max="{best:.3f}" step="0.001" value="{least["accuracy"]:.3f}"></label>'
            ' <output id="efficiency-value" for="efficiency-floor"></output></p>'
            '<div class="plot" id="efficiency-figure" role="img"'
            ' aria-label="Accuracy over joules by technique and level"></div>'
            '<p class="soft">Accuracy, as a share, for each joule ('
            '<span id="efficiency-objective"></span>). A net that learnt nothing for next to'
            " nothing has the highest: so what is below the least accuracy is hollow, and not"
            f" ranked. It begins at {least['text']}. <code>choose --efficiency --floor</code> takes"
            ' the best by the same rule. <span id="efficiency-shown"></span></p>'
        ),
        script="efficiency.js",
    )

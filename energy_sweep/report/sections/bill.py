"""The bill: by stage, the joules spent beside those that the configurations would cost alone."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.report.section import Section
from energy_sweep.report.tables import bill_sentence


def bill_section(priced: PricedStudy) -> Section:
    """What was spent on each stage, as bars of one scale."""
    return Section(
        key="bill",
        title="The bill",
        html=(
            f'<p class="soft">{html.escape(bill_sentence(priced))}</p>'
            f'<p class="caption">Joules by stage, {priced.quality}</p>'
            f'<div class="plot" id="bill-figure" style="height: {7 + 3 * len(priced.bill)}rem"'
            ' role="figure" aria-label="Joules by stage, spent and one by one"></div>'
        ),
        data={
            "quality": priced.quality,
            "stages": list(priced.bill),
            "spent": [line.spent_joules for line in priced.bill.values()],
            "alone": [line.attributed_joules for line in priced.bill.values()],
        },
        script="bill.js",
    )

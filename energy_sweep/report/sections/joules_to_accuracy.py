"""What reaching an accuracy takes, along an axis: the literature's figure for batch sizes."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.importance import axis_text
from energy_sweep.report.section import Section

USUAL = "batch"


def target_section(priced: PricedStudy) -> Section | None:
    """The least joules of each value of an axis, by the accuracy that is to be reached."""
    varied = [
        (place, name)
        for place, name in enumerate(priced.axes)
        if len({axis_text(row.params.get(name)) for row in priced.rows}) > 1
    ]
    if not varied or len(priced.front) < 2:
        return None
    first = next((place for place, name in varied if name == USUAL), varied[0][0])
    options = "".join(
        f'<option value="{place}"{" selected" * (place == first)}>{html.escape(name)}</option>'
        for place, name in varied
    )
    return Section(
        key="target",
        title="Joules to an accuracy",
        html=(
            f'<p><label>by <select id="target-axis">{options}</select></label></p>'
            '<p id="target-said"></p>'
            '<div class="plot" id="target-figure" role="img"'
            ' aria-label="Least joules to an accuracy, by the values of an axis"></div>'
            '<p class="soft">Each line is an accuracy, that of a member of the front; each point is'
            " the cheapest configuration that reaches it with that value, whatever its other"
            " settings are, with what its joules are unsure of beside the others. A value without"
            ' a point reaches it nowhere. Objective: <span id="target-objective"></span>.</p>'
        ),
        script="target.js",
    )

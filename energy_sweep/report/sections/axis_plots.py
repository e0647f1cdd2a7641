"""What each axis does: accuracy and joules along it, and all axes at once, side by side."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.importance import axis_text
from energy_sweep.report.section import Section


def axes_section(priced: PricedStudy) -> Section | None:
    """Accuracy and joules along each axis; lines join what differs in it alone."""
    varied = [(place, name) for place, name in enumerate(priced.axes) if _varies(priced, name)]
    if not varied:
        return None
    figures = "".join(
        f'<figure><figcaption class="caption">{html.escape(name)}</figcaption>'
        f'<div class="plot" id="axis-{place}-figure" role="img"'
        f' aria-label="Accuracy and joules along {html.escape(name)}"></div></figure>'
        for place, name in varied
    )
    return Section(
        key="axes",
        title="Along each axis",
        html=(
            '<p class="soft">Thin lines join configurations that differ in this axis alone, and'
            " large marks are the front. The thick line is the mean over all configurations, of"
            ' joules that of their logarithm. Objective: <span id="axes-objective"></span>.'
            ' <span id="axes-shown"></span></p>'
            f'<div class="small-multiples">{figures}</div>'
        ),
        script="axes.js",
    )


def parallel_section(priced: PricedStudy) -> Section | None:
    """A line for each configuration across all axes, accuracy and joules."""
    if not any(_varies(priced, name) for name in priced.axes):
        return None
    return Section(
        key="parallel",
        title="All axes at once",
        html=(
            '<p class="soft">Each line is one configuration; those of the front are in colour, the'
            " cheapest faintest, and what is pinned is thick. Joules are on a log scale."
            ' Objective: <span id="parallel-objective"></span>.'
            ' <span id="parallel-shown"></span></p>'
            '<div class="plot" id="parallel-figure" role="img"'
            ' aria-label="Parallel coordinates of axes, joules and accuracy"></div>'
        ),
        script="parallel.js",
    )


def _varies(priced: PricedStudy, name: str) -> bool:
    return len({axis_text(row.params.get(name)) for row in priced.rows}) > 1

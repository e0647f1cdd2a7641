"""Which axis matters for accuracy, and which for joules: shares of their variance, as bars."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.importance import TARGETS
from energy_sweep.front.sureness import percent_text
from energy_sweep.report.answers import importance_sentence
from energy_sweep.report.figures import objective_text
from energy_sweep.report.section import Section

HOW = {
    True: "Every combination of the axes was measured, so the shares are exact for these; the lines"
    " are what the uncertainty of accuracies and joules leaves open, at 95 %.",
    False: "Not every combination was measured: a random forest fills in the rest, and the lines"
    " are how far forests over resampled configurations are apart, at 95 %.",
}


def importance_section(priced: PricedStudy) -> Section | None:
    """The shares of both variances by axis."""
    found = priced.importance
    if found is None:
        return None
    left = {target: percent_text(share) for target, share in found.together.items()}
    return Section(
        key="importance",
        title="Which axis matters",
        html=(
            f"<p>{html.escape(importance_sentence(found))}</p>"
            '<div class="plot" id="importance-figure" role="img" style="height:'
            f' {9 + 3.2 * len(found.axes):.1f}rem"'
            ' aria-label="Share of the variance that each axis explains"></div>'
            f'<p class="soft">Over all {found.configurations} configurations, whether on the front'
            " or not: the share of the variance of accuracy, and of the logarithm of"
            f" {objective_text(priced.objective)} ({priced.quality}), that an axis"
            f" explains alone. {HOW[found.is_exact]} What is left"
            f" ({left['accuracy']} of accuracy, {left['joules']} of joules) are axes that act"
            " together, and luck.</p>"
        ),
        data={
            "axes": list(found.axes),
            **{
                target: [[one[target].share, one[target].low, one[target].high] for one in shares]
                for target, shares in dict.fromkeys(TARGETS, found.axes.values()).items()
            },
        },
        script="importance.js",
    )

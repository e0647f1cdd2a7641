"""How the front grew: its share of the final one against the joules spent, trial by trial."""

from __future__ import annotations

import html
from collections.abc import Sequence

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.growth import GrowthStep, growth
from energy_sweep.front.sureness import percent_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.report.figures import objective_text
from energy_sweep.report.section import Section

MOST = 0.9  # of the final front, after which little was to be found
LEAST_GAIN = 1e-9  # what is less is rounding


def growth_section(priced: PricedStudy) -> Section | None:
    """The share of the final front by when, and which trials enlarged it."""
    steps = growth(priced)
    if len(steps) < 2:
        return None
    gains = [step for step in steps if step.gained > LEAST_GAIN]
    settings = {row.trial: row.params for row in priced.rows}
    return Section(
        key="growth",
        title="How the front grew",
        html=(
            f"<p>{html.escape(growth_sentence(steps, priced))}</p>"
            '<div class="plot" id="growth-figure" role="img"'
            ' aria-label="Share of the final front against joules spent"></div>'
            '<p class="soft">The share is that of the area under the front, in accuracy and the'
            f" logarithm of {objective_text(priced.objective)}, above the worst that was measured."
            " Marks are trials that enlarged it. Accuracies and prices are today's, also of what"
            " was measured early.</p>"
        ),
        data={
            "quality": priced.quality,
            "total": priced.spent_joules,
            "trials": [step.trial for step in steps],
            "spent": [step.spent_joules for step in steps],
            "share": [step.share for step in steps],
            "gains": [
                {
                    "step": index,
                    "gained": step.gained,
                    "settings": [f"{k} = {value_text(v)}" for k, v in settings[step.trial].items()],
                }
                for index, step in enumerate(steps)
                if step in gains
            ],
        },
        script="growth.js",
    )


def growth_sentence(steps: Sequence[GrowthStep], priced: PricedStudy) -> str:
    """After how many joules most of the front was known, and which trial brought most."""
    total, most = priced.spent_joules, next(step for step in steps if step.share >= MOST)
    best = max(steps[1:], key=lambda step: step.gained)
    part = f", {percent_text(most.spent_joules / total)} of all that was spent" if total else ""
    said = (
        f"{percent_text(MOST)} of the final front was known with trial {most.trial}, after"
        f" {joules_text(most.spent_joules)} ({priced.quality}){part}."
    )
    if best.gained <= LEAST_GAIN:
        return said
    return (
        f"{said} After the first trial, trial {best.trial} enlarged it most, by"
        f" {percent_text(best.gained)}."
    )

"""How the front grew: its share of the final one against the joules spent, trial by trial."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.growth import LEAST_GAIN, growth
from energy_sweep.recipe.dials import value_text
from energy_sweep.report.answers import growth_sentence
from energy_sweep.report.figures import objective_text
from energy_sweep.report.section import Section


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

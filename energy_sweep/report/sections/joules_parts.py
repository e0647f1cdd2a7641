"""Where the joules go: stages and domains of the front and of pinned trials, on one scale."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy, Row, joules_text
from energy_sweep.front.prices import charged
from energy_sweep.front.step_joules import step_joules
from energy_sweep.front.sureness import percent_text
from energy_sweep.record import TRAINING_STAGES
from energy_sweep.report.section import Section


def parts_section(priced: PricedStudy) -> Section | None:
    """The parts of every configuration, and what one step of its training takes."""
    if not priced.front:
        return None
    domain_figure = (
        '<p class="caption">By domain: <span class="parts-objective"></span></p>'
        '<div class="plot" id="domains-figure" role="img" aria-label="Joules by domain"></div>'
    )
    steps = {one.trial: step_joules(one, priced.prices) for one in priced.priced}
    return Section(
        key="parts",
        title="Where the joules go",
        html=(
            f"<p>{html.escape(parts_sentence(priced))}</p>"
            '<p class="caption">By stage: <span class="parts-objective"></span></p>'
            '<div class="plot" id="stages-figure" role="img" aria-label="Joules by stage"></div>'
            f"{domain_figure * (len(priced.study.meter.domains) > 1)}"
            '<p class="soft" id="parts-shown"></p>'
            "<details><summary>As a table, with the joules of a step of training</summary>"
            '<div class="scroll" id="parts-table" tabindex="0" role="region"'
            ' aria-label="Joules by stage and step"></div></details>'
        ),
        data={
            "stages": [*TRAINING_STAGES, "infer"],
            "steps": {
                trial: [one.iteration, one.update]
                for trial, one in steps.items()
                if one.iteration is not None or one.update is not None
            },
        },
        script="parts.js",
    )


def parts_sentence(priced: PricedStudy) -> str:
    """What takes most of the joules of the cheapest member of the front, and of the dearest."""
    ends = {row.trial: row for row in (priced.front[0], priced.front[-1])}
    return " ".join(_most(row, priced) for row in ends.values())


def _most(row: Row, priced: PricedStudy) -> str:
    """The stage that takes most of a row's joules, by the objective."""
    one, objective = priced.configuration(row.trial), priced.objective
    parts: dict[str, float] = {}
    for _, result in one.runs:
        for use in result.stages:
            pool = priced.prices.pool(use.cost_key)
            if pool is not None:
                units = 1.0 if use.stage == "infer" else use.units
                joules = charged(use.stage, objective) * units * pool.joules_per_unit
                parts[use.stage] = parts.get(use.stage, 0.0) + joules / len(one.runs)
    if not row.joules:
        return ""
    stage = max(parts, key=lambda stage: parts[stage])
    share = percent_text(parts[stage] / row.joules)
    names = {priced.front[0].trial: "cheapest", priced.front[-1].trial: "most accurate"}
    which = f", the {names[row.trial]} of the front" if len(names) > 1 else ""
    return f"Of the {joules_text(row.joules)} of trial {row.trial}{which}, {share} go to {stage}."

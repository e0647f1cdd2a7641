"""The top of the page: what was found, in a sentence, and the places that its scripts fill."""

from __future__ import annotations

import html
from importlib import resources
from string import Template

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.report.figures import objective_text
from energy_sweep.report.tables import likely_wrong


def top(priced: PricedStudy) -> str:
    """Escaped HTML above the sections."""
    found = resources.files("energy_sweep.report").joinpath("page", "top.html")
    return Template(found.read_text(encoding="utf-8")).substitute(
        study=html.escape(priced.study.name), lede=_lede(priced)
    )


def _lede(priced: PricedStudy) -> str:
    machine = priced.study.machine.get("device_class")
    where = f" on {html.escape(str(machine))}" if machine else ""
    count = len(priced.rows)
    found = f"{len(priced.front)} of {count} configurations are"
    if count < 2:
        found = "The one configuration is" if count else "No configuration is"
    return (
        f"{found} on the front of validation "
        f"accuracy and {objective_text(priced.objective)}. {_asked(priced)}{_wrong(priced)}"
        f"All joules are <strong>{priced.quality}</strong>{where}. {_spent(priced)}"
    )


def _asked(priced: PricedStudy) -> str:
    """What the study's constraints are, and how many break them."""
    if not priced.constraints:
        return ""
    out = len(priced.excluded)
    return f"They have {priced.constraints.text}, which {out} more do not have. "


def _wrong(priced: PricedStudy) -> str:
    """How many members of several are expected to be wrong, and which likely are."""
    if len(priced.front) < 2:
        return ""
    count, wrong = len(priced.front), priced.expected_wrong
    return f"Of {count} members, {wrong:.1f} are expected to be wrong{likely_wrong(priced)}. "


def _spent(priced: PricedStudy) -> str:
    spent, attributed = priced.spent_joules, priced.attributed_joules
    alone = f"; one by one they would have cost {joules_text(attributed)}" if spent > 0 else ""
    trials = len(priced.study.results)
    return f"Its {trials} trial{'s' * (trials != 1)} took {joules_text(spent)}, all in{alone}."

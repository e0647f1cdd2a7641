"""The trials that could not be finished, and why."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import JsonDict
from energy_sweep.report.section import Section


def infeasible_section(priced: PricedStudy) -> Section | None:
    """A list behind a fold; None where all trials were finished."""
    if not priced.infeasible:
        return None
    items = [
        f"<li>trial {row.trial} ({_named(row.params)}): {html.escape(row.reason)}</li>"
        for row in priced.infeasible
    ]
    count = f"{len(items)} trial{'s' if len(items) > 1 else ''} that could not be finished"
    body = f"<details><summary>{count}</summary><ul>{''.join(items)}</ul></details>"
    return Section(key="infeasible", title="Infeasible", html=body)


def _named(params: JsonDict) -> str:
    return html.escape(" ".join(f"{name}={value_text(value)}" for name, value in params.items()))

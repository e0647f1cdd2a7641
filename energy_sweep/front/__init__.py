"""From priced stages to a choice: configurations, what can be told apart, the front.

What is named here is looked up on first use: who only prints joules loads no NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from energy_sweep.front.configurations import Row as Row
    from energy_sweep.front.configurations import command as command
    from energy_sweep.front.configurations import contended_text as contended_text
    from energy_sweep.front.configurations import joules_text as joules_text
    from energy_sweep.front.document import as_csv as as_csv
    from energy_sweep.front.document import as_document as as_document
    from energy_sweep.front.document import front_document as front_document
    from energy_sweep.front.domination import hypervolume as hypervolume
    from energy_sweep.front.domination import pareto as pareto
    from energy_sweep.front.priced_study import PricedStudy as PricedStudy
    from energy_sweep.front.rules import knee as knee
    from energy_sweep.front.selection import Choice as Choice
    from energy_sweep.front.selection import choose as choose
    from energy_sweep.front.selection import pareto_numbers as pareto_numbers
    from energy_sweep.front.selection import rows as rows

_HOMES = {
    "Row": "configurations",
    "command": "configurations",
    "contended_text": "configurations",
    "joules_text": "configurations",
    "as_csv": "document",
    "as_document": "document",
    "front_document": "document",
    "hypervolume": "domination",
    "pareto": "domination",
    "PricedStudy": "priced_study",
    "Choice": "selection",
    "choose": "selection",
    "knee": "rules",
    "pareto_numbers": "selection",
    "rows": "selection",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

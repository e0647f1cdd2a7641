"""What to run next: the whole grid over shared stages, or a sampler, within a budget.

What is named here is looked up on first use: importing the package loads no Optuna.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from energy_sweep.search.base import DEFAULT_TRIALS as DEFAULT_TRIALS
    from energy_sweep.search.base import WHOLE_GRID as WHOLE_GRID
    from energy_sweep.search.base import search_study as search_study
    from energy_sweep.search.budget import Budget as Budget
    from energy_sweep.search.certainty import CertaintyOrder as CertaintyOrder
    from energy_sweep.search.events import Event as Event
    from energy_sweep.search.events import Finished as Finished
    from energy_sweep.search.events import Outcome as Outcome
    from energy_sweep.search.events import Planned as Planned
    from energy_sweep.search.events import Started as Started
    from energy_sweep.search.run_order import Foretold as Foretold
    from energy_sweep.search.run_order import Job as Job
    from energy_sweep.search.run_order import RunOrder as RunOrder

_HOMES = {
    "CertaintyOrder": "certainty",
    "DEFAULT_TRIALS": "base",
    "WHOLE_GRID": "base",
    "search_study": "base",
    "Budget": "budget",
    **dict.fromkeys(("Event", "Finished", "Outcome", "Planned", "Started"), "events"),
    **dict.fromkeys(("Foretold", "Job", "RunOrder"), "run_order"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

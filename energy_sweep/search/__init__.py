"""What to run next: the whole grid over shared stages, or a sampler, within a budget."""

import sys
import types
from typing import Any

from energy_sweep.record import StudyRecord
from energy_sweep.search.base import WHOLE_GRID, search_study
from energy_sweep.search.events import Budget, Event, Finished, Outcome, Planned, Started
from energy_sweep.search.own import search
from energy_sweep.search.run_order import Job, RunOrder, run_order

__all__ = [
    "WHOLE_GRID",
    "Budget",
    "Event",
    "Finished",
    "Job",
    "Outcome",
    "Planned",
    "RunOrder",
    "Started",
    "run_order",
    "search",
    "search_study",
]


class _Room(types.ModuleType):
    """Lets `energy_sweep.search` be called: the room and its one verb share their name."""

    def __call__(self, *arguments: Any, **settings: Any) -> StudyRecord:
        return search(*arguments, **settings)


sys.modules[__name__].__class__ = _Room

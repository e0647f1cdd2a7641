"""Find the configurations that give the most accuracy for the fewest joules."""

from __future__ import annotations

import importlib
from typing import Any

# The one name that a room has too: imported at once, so that it is the function for everybody.
from energy_sweep.search.own import search as search

# Where each public name lives: looked up on first use, so that importing the package is cheap.
_HOMES = {
    "Axis": "study.space",
    "BadInput": "record",
    "Budget": "search",
    "Choice": "front",
    "EnergyReading": "record",
    "EnergySweepError": "record",
    "Job": "search",
    "LoadedStudy": "analysis",
    "NothingFits": "record",
    "Objective": "record",
    "Quality": "record",
    "Recipe": "recipe",
    "Row": "front",
    "Space": "study.space",
    "StageStore": "store",
    "StudyRecord": "record",
    "TrialResult": "record",
    "choose": "front",
    "hypervolume": "front",
    "knee": "front",
    "load_study": "analysis",
    "measure": "meter.measure",
    "open_meter": "meter",
    "open_study": "study",
    "pareto": "front",
    "rows": "front",
    "run_trial": "trial",
    "search_study": "search",
    "write_report": "report.html_page",
}

__all__ = sorted([*_HOMES, "search"])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'energy_sweep' has no attribute {name!r}")
    return getattr(importlib.import_module(f"energy_sweep.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

"""How likely candidates keep limits that only measuring tells for sure: of a file and its graph.

Bytes, joules of an image and latency follow from what is deployed and not from how it was trained,
so they are foreseen as prices are: the same for all that evaluate the same net, and over the axes
that can change it else.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from energy_sweep.search.acquisition.stage_table import Floats, StageTable
from energy_sweep.search.acquisition.unit_prices import unit_prices

STAGE = "evaluate"  # whose cost names what is deployed


def chance_kept(
    table: StageTable, features: Floats, most: float, known: Mapping[str, float]
) -> Floats:
    """Probability of each of N candidates with `features` [N, D] to be at most so much [N].

    `known` are figures that were measured, by the cost of evaluating what has them; without any,
    nothing is held against a candidate.
    """
    found = np.ones(table.count)
    if known:
        special: Any = importlib.import_module("scipy.special")
        figures = unit_prices(table, features, known.get)
        room = np.log(most) - np.log(figures.joules)
        with np.errstate(divide="ignore", invalid="ignore"):
            likely = special.ndtr(room / figures.log_sd)
        kept = np.where(figures.log_sd > 0, likely, np.where(room >= 0, 1.0, 0.0))
        uses = table.of_stages((STAGE,))
        found[table.row[uses]] = kept[table.cost[uses]]
    return found

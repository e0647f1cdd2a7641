"""Which candidates of a search keep the limits of what is deployed, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from energy_sweep.front.limited import LimitedFigures
from energy_sweep.record import TrialResult
from energy_sweep.search.acquisition.foreseen import STAGE, chance_kept
from energy_sweep.search.acquisition.stage_table import Floats, StageTable
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.study import Identity

# By constraint, the figure of a trial that it limits.
FIGURES = {
    "max_joules_per_image": "joules_per_image",
    "max_bytes": "file_bytes",
    "max_latency": "latency_seconds",
}


def kept_limits(
    trials: KnownTrials,
    results: Mapping[int, TrialResult],
    identities: Iterable[Identity],
    table: StageTable,
    features: Floats,
) -> Floats | None:
    """Probability of each of N candidates to keep those limits [N]; None where there are none.

    What was measured keeps them or does not. `results` are those of today's space, by number.
    """
    limits = trials.costs.constraints.document
    limits = {name: limit for name, limit in limits.items() if name in FIGURES}
    if not limits:
        return None
    figures = {number: trials.costs.figures(number) for number in results}
    kept = np.ones(table.count)
    for name, limit in limits.items():
        known = _by_cost(results, figures, FIGURES[name])
        kept *= chance_kept(table, features, limit, known)
    for row, identity in enumerate(identities):
        number = trials.numbers.get(identity)
        if number is not None and figures.get(number) is not None:
            over = trials.costs.violations(number)
            kept[row] = float(all(over[name] <= 0 for name in limits))
    return kept


def _by_cost(
    results: Mapping[int, TrialResult], figures: Mapping[int, LimitedFigures | None], name: str
) -> dict[str, float]:
    """A figure of trials by the cost of their evaluation; of several the last."""
    found: dict[str, float] = {}
    for number, result in results.items():
        value = getattr(figures[number], name, None)
        for use in result.stages:
            if use.stage == STAGE and value:
                found[use.cost_key] = float(value)
    return found

"""How many configurations are on the front, kept current trial by trial.

Trials that differ in lr or weights alone do the same work, so thousands of them have a few costs.
Of all configurations of one cost only the most accurate can be on the front.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from energy_sweep.front.constraints import Constraints
from energy_sweep.front.domination import Point, pareto
from energy_sweep.front.limited import LimitedFigures

Demand = tuple[tuple[str, float], ...]  # units of pools, by their cost keys
Cost = tuple[Demand, Hashable]  # and what else limits of a run may ask for
Costs = tuple[Cost, ...]  # of the runs of a configuration, in their order


class FrontCount:
    """Accuracies of configurations, by what their runs cost."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, dict[int, tuple[Cost, float]]] = defaultdict(dict)
        self._accuracies: defaultdict[Costs, Counter[float]] = defaultdict(Counter)

    def put(self, key: str, number: int, cost: Cost, accuracy: float | None) -> None:
        """Take in the run `number` of a configuration, or what it gave when it ran again."""
        runs = self._runs[key]
        if runs:
            self._count(runs, -1)
        runs.pop(number, None)
        if accuracy is not None:
            runs[number] = cost, accuracy
        if runs:
            self._count(runs, 1)

    def count(
        self, figures: Callable[[Cost, float], LimitedFigures | None], limits: Constraints
    ) -> int:
        """How many keep the limits and are dominated by none that does; `figures` gives those of a
        cost with an accuracy, None where the cost is not known."""
        return len(pareto(list(self._points(figures, limits))))

    def _points(
        self, figures: Callable[[Cost, float], LimitedFigures | None], limits: Constraints
    ) -> Iterator[Point]:
        for costs, accuracies in self._accuracies.items():
            best = max(accuracies, default=None)
            if best is None:
                continue
            runs = [one for cost in costs if (one := figures(cost, best)) is not None]
            if runs and limits.keeps(merged := _mean(runs)):
                for _ in range(accuracies[best]):
                    yield merged.accuracy, merged.joules

    def _count(self, runs: dict[int, tuple[Cost, float]], more: int) -> None:
        costs = tuple(cost for cost, _ in runs.values())
        mean = math.fsum(accuracy for _, accuracy in runs.values()) / len(runs)
        found = self._accuracies[costs]
        found[mean] += more
        if not found[mean]:
            del found[mean]


def _mean(runs: Sequence[LimitedFigures]) -> LimitedFigures:
    """The first of several seeds, with the mean of their joules."""
    return replace(runs[0], joules=math.fsum(one.joules for one in runs) / len(runs))

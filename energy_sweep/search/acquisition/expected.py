"""How much the area under a front is expected to grow by a candidate whose joules are known.

Only its accuracy is uncertain. Against a front that is a staircase over the logarithm of joules,
the area that an accuracy adds is piecewise linear in it: over each step that is dearer than the
candidate it adds the step's width times what it exceeds the step by. Its expectation under a normal
accuracy is thus a sum of expected improvements (Mockus 1975), one for each step, in closed form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.domination import Point, pareto

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Staircase:
    """A front between the accuracy `floor` and the cost `ceiling`: from cost `start[k]` on, up to
    the next, the best accuracy is `height[k]` [K]; the first step is the floor, from -inf on."""

    start: Floats
    height: Floats
    ceiling: float

    @classmethod
    def of(cls, points: Iterable[Point], reference: Point) -> Staircase:
        """The staircase of points (accuracy, cost) above a reference."""
        floor, ceiling = reference
        inside = [point for point in points if point[0] > floor and point[1] < ceiling]
        front = [inside[index] for index in pareto(inside)]
        starts = [-np.inf, *(cost for _, cost in front)]
        heights = [floor, *(accuracy for accuracy, _ in front)]
        return cls(np.array(starts), np.array(heights), ceiling)

    def expected_gain(self, cost: Floats, mean: Floats, sd: Floats) -> Floats:
        """Expected growth of the area by each of N candidates [N].

        Accuracies are normal, and those above 1 count as 1.
        """
        ends = np.append(self.start[1:], self.ceiling)
        widths = np.clip(ends - np.maximum(self.start, cost[:, None]), 0.0, None)
        return (widths * _improvement(mean[:, None], sd[:, None], self.height)).sum(axis=1)


def _improvement(mean: Floats, sd: Floats, least: Floats) -> Floats:
    """E[(min(a, 1) - least)+] for a normal a."""
    return np.maximum(0.0, _exceedance(mean, sd, least) - _exceedance(mean, sd, np.float64(1.0)))


def _exceedance(mean: Floats, sd: Floats, least: Floats | np.float64) -> Floats:
    """E[(a - least)+] for a normal a; without spread, what the mean exceeds it by."""
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    apart = mean - least
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.where(sd > 0, apart / sd, np.copysign(np.inf, apart))
    density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)
    return np.where(sd > 0, apart * special.ndtr(u) + sd * density, np.maximum(apart, 0.0))

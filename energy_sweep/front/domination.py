"""Which points of accuracy and joules no other dominates, and the area that they dominate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]  # accuracy, joules


def pareto(points: Sequence[Point]) -> tuple[int, ...]:
    """Indexes of the points that none dominates, cheapest first; equal points stay together."""
    chosen: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0])):
        best = points[chosen[-1]] if chosen else (-math.inf, 0.0)
        if points[index][0] > best[0] or points[index] == best:
            chosen.append(index)
    return tuple(chosen)


def reference_beyond(points: Iterable[Point], part: float) -> Point:
    """A point worse than all, by a part of their extent, or of 1 where they have none."""
    (low, high), (cheap, dear) = ((min(ends), max(ends)) for ends in zip(*points, strict=True))
    return low - part * ((high - low) or 1.0), dear + part * ((dear - cheap) or 1.0)


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """Area dominated by the points, down to the accuracy and up to the joules of `reference`."""
    floor, ceiling = reference
    better = [point for point in points if point[0] > floor and point[1] < ceiling]
    area = 0.0
    for index in pareto(better):
        accuracy, joules = better[index]
        area += (accuracy - floor) * (ceiling - joules)
        floor = accuracy
    return area

"""What several runs of a search reach: the front that a share of them attains, not a lucky one."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]  # accuracy, joules


def attainment_front(fronts: Sequence[Sequence[Point]], share: float = 0.5) -> list[Point]:
    """The steps of the surface that at least `share` of the fronts attain, cheapest first.

    A point is attained by a front that has one as accurate for no more joules (Grunert da Fonseca
    and Fonseca, 2001). `share` 0.5 is the median front; of no fronts there is no surface.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} of the fronts is none: it is above 0 and at most 1")
    wanted = math.ceil(share * len(fronts) - 1e-9)
    found: list[Point] = []
    for accuracy in sorted({point[0] for front in fronts for point in front}, reverse=True):
        costs = sorted(
            min((joules for right, joules in front if right >= accuracy), default=math.inf)
            for front in fronts
        )
        joules = costs[wanted - 1]
        if math.isfinite(joules) and (not found or joules < found[-1][1]):
            found.append((accuracy, joules))
    return found[::-1]

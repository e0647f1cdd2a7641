"""Which of many answers are told to the model: its time goes with their number to the third."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from energy_sweep.front.domination import Point, pareto

MOST = 1000
NEAR = 650  # of those, the ones that lie nearest below the front; the rest are spread evenly


def telling(answers: Mapping[int, Point]) -> list[int]:
    """The numbers of the answers (accuracy, joules) that tell most of where the front is.

    All of them as long as they are few; those near the front, and evenly some of the others.
    """
    numbers = sorted(answers)
    if len(numbers) <= MOST:
        return numbers
    points = [answers[number] for number in numbers]
    front = [points[one] for one in pareto(points)]
    starts = [joules for _, joules in front]

    def below(number: int) -> float:
        """By how much the best at no more joules is more accurate."""
        accuracy, joules = answers[number]
        return front[bisect.bisect_right(starts, joules) - 1][0] - accuracy

    order = sorted(numbers, key=lambda number: (below(number), number))
    rest = sorted(order[NEAR:])
    step = len(rest) / (MOST - NEAR)
    return sorted([*order[:NEAR], *(rest[int(one * step)] for one in range(MOST - NEAR))])


def subsample(points: Sequence[Point]) -> list[int]:
    """The same of answers in their order: where those that tell most lie."""
    return telling(dict(enumerate(points)))

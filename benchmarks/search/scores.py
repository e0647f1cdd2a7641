"""What the courses of searches say: joules to a share of the front, who is ahead, what was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.search.runs import ENOUGH, Course, held_at, joules_to
from benchmarks.search.worlds import Floats, World

SHARES = (0.9, 0.95, 0.97)
STEPS = 60
LARGE, LONGEST = 1000, 300  # trials
AHEAD = 0.005  # of the true hypervolume: medians nearer than this are level


@dataclass(frozen=True, slots=True)
class Row:
    """A policy in a world: joules to each of SHARES by seed [S, 3], and the median course [G]."""

    to: tuple[tuple[float, ...], ...]
    held: tuple[float, ...]

    def median(self, share: float) -> float:
        return float(np.median([one[SHARES.index(share)] for one in self.to]))

    def as_json(self) -> dict[str, Any]:
        to = [[None if np.isinf(value) else round(value, 1) for value in one] for one in self.to]
        return {"to": to, "held": [round(value, 4) for value in self.held]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Row:
        to = ((float("inf") if value is None else value for value in one) for one in stored["to"])
        return cls(tuple(map(tuple, to)), tuple(min(value, ENOUGH) for value in stored["held"]))


def steps(world: World) -> Floats:
    """Joules at which policies are compared [G]: the same for all seeds of a world, in ratio."""
    return np.geomspace(float(world.alone.min()), most(world), STEPS)


def most(world: World) -> float:
    """Joules after which every run of a world ends: that of all trials there are, or of LONGEST in
    a large one. What has not found enough by then counts as having taken more, of which a median
    is told only that it is more; a ratio to it would be smaller still."""
    count = len(world.points)
    return float(world.alone.mean() * (count if count <= LARGE else LONGEST))


def row(worlds: Sequence[World], courses: Sequence[Course]) -> Row:
    """Of one course for each of the worlds."""
    held = [held_at(one, steps(world)) for world, one in zip(worlds, courses, strict=True)]
    return Row(
        to=tuple(tuple(joules_to(one, share) for share in SHARES) for one in courses),
        held=tuple(np.median(held, axis=0).tolist()),
    )


def ratio(ours: Row, theirs: Row, beyond: float) -> float:
    """Median joules to .95 of ours over theirs; of theirs that are more than `beyond`, over that,
    which is the most that it can be."""
    return ours.median(0.95) / min(theirs.median(0.95), beyond)


def behind(ours: Row, theirs: Row) -> tuple[float, int] | None:
    """By how much ours is behind at most, and at which step; None where it never is."""
    short = np.array(theirs.held) - np.array(ours.held)
    worst = int(np.argmax(short))
    return (float(short[worst]), worst) if short[worst] > AHEAD else None

"""What a trial takes to price an image: windows of its graph, and of others to compare it with.

How many there are depends on how often the graph was used before (trial/deployment/inference.py).
What they took is read off the time of each window: it is of the trial that was evaluated last.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front.pools import REMEMBERED
from energy_sweep.record import Mark, StageRecord, TrialResult

# Uses of a graph that are told apart: the first one, the second, those that get a window, and all
# others, which get none.
FIRST, SECOND, DUE, NONE = range(4)
# What is not known of one of them is what their windows would take at the joules of the others'.
USUAL_WINDOWS = (5, 2, 2, 0)
# What is not known of any of a kind is taken to be uncertain by this share of it.
UNKNOWN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphWindows:
    """Joules of the windows of a trial by how often its graph was used before, and their standard
    deviation; None where no trial tells. `uses` are those so far, by graph; those of an `earlier`
    study get no window."""

    joules: tuple[float, ...] | None
    spread: tuple[float, ...] | None
    uses: Mapping[str, int]
    earlier: Collection[str] = ()

    def next_use(self, graph: str, more: int = 0) -> tuple[float, float] | None:
        """Joules of another use of a graph, after so many `more`, and their deviation."""
        if self.joules is None or self.spread is None:
            return None
        kind = NONE if graph in self.earlier else _kind(self.uses.get(graph, 0) + more)
        return self.joules[kind], self.spread[kind]


def graph_windows(
    results: Sequence[TrialResult], records: Mapping[str, StageRecord]
) -> GraphWindows:
    """What the windows of trials took, in the order in which the trials were run."""
    graphs = [_key(result, "infer") for result in results]
    taken = _by_trial(results, records)
    kinds: defaultdict[int, list[float]] = defaultdict(list)
    earlier = {key for key, record in records.items() if REMEMBERED in record.facts}
    uses = Counter[str]()
    for number, graph in enumerate(graphs):
        if graph is not None:
            if number in taken and graph not in earlier:
                kinds[_kind(uses[graph])].append(taken[number])
            uses[graph] += 1
    count = sum(USUAL_WINDOWS[kind] * len(found) for kind, found in kinds.items())
    if not count:
        return GraphWindows(joules=None, spread=None, uses=uses, earlier=earlier)
    window = math.fsum(joules for found in kinds.values() for joules in found) / count
    described = [
        _described(kinds[kind], windows * window) for kind, windows in enumerate(USUAL_WINDOWS)
    ]
    return GraphWindows(
        joules=tuple(one for one, _ in described),
        spread=tuple(two for _, two in described),
        uses=uses,
        earlier=earlier,
    )


def _kind(uses: int) -> int:
    """Which kind the next use of a graph is, after so many."""
    if uses < DUE:
        return uses
    return NONE if (uses + 1) & uses else DUE


def _described(found: Sequence[float], otherwise: float) -> tuple[float, float]:
    if not found:
        return otherwise, UNKNOWN * otherwise
    mean = math.fsum(found) / len(found)
    if len(found) == 1:
        return mean, UNKNOWN / 2 * mean
    return mean, math.sqrt(math.fsum((one - mean) ** 2 for one in found) / (len(found) - 1))


def _by_trial(
    results: Sequence[TrialResult], records: Mapping[str, StageRecord]
) -> dict[int, float]:
    """Joules of the windows of each trial whose evaluation has a time."""
    begun: list[tuple[float, int]] = []
    for number, result in enumerate(results):
        record = records.get(_key(result, "evaluate") or "")
        times = [] if record is None else [mark.reading.started for mark in record.marks]
        if times and times[0] is not None:
            begun.append((times[0], number))
    begun.sort()
    starts, taken = [time for time, _ in begun], {number: 0.0 for _, number in begun}
    for mark in _windows(records):
        time = mark.reading.started
        place = -1 if time is None else bisect.bisect_right(starts, time) - 1
        if place >= 0:
            taken[begun[place][1]] += mark.reading.joules
    return taken


def _windows(records: Mapping[str, StageRecord]) -> list[Mark]:
    """The marks that trials take of graphs: neither trials of plans nor rounds that were bought."""
    return [
        mark
        for record in records.values()
        if record.stage == "infer" or (record.stage == "calibrate" and not _is_other(record))
        for mark in (*record.marks, *record.lost)
    ]


def _is_other(record: StageRecord) -> bool:
    return "plan" in record.facts or "bought" in record.facts


def _key(result: TrialResult, stage: str) -> str | None:
    return next((use.key for use in result.stages if use.stage == stage), None)

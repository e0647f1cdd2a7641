"""How a front grew: the share of its area that was known by when, and what was spent by then.

The area is that of accuracy and log joules above a point worse than all that was measured, by a
tenth of its extent. Accuracies and joules are today's, also of what came early.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from energy_sweep.front.domination import Point, hypervolume, pareto, reference_beyond
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import EnergyReading, Mark, StageRecord, StageUse, TrialResult

LEAST_GAIN = 1e-9  # of the front; what is less is rounding
OUTSIDE = 0.1  # of the extent of all points, by which the reference lies outside of it


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthStep:
    """What was known once a configuration was first measured, as trial `trial`.

    `spent_joules` is all that the sweep had spent by then, `share` the area of the front by then
    over that of the final one, and `gained` what of that share this trial brought.
    """

    trial: int
    spent_joules: float
    share: float
    gained: float


def growth(priced: PricedStudy) -> tuple[GrowthStep, ...]:
    """A step for each configuration, in the order in which they were measured.

    Empty where there is no front, or where joules are 0, which have no logarithm.
    """
    points = {row.trial: (row.accuracy, row.joules) for row in priced.rows}
    if not points or any(joules <= 0 for _, joules in points.values()):
        return ()
    logs = {trial: (accuracy, math.log10(at)) for trial, (accuracy, at) in points.items()}
    reference = reference_beyond(logs.values(), OUTSIDE)
    whole = hypervolume(logs.values(), reference)
    steps: list[GrowthStep] = []
    known: list[Point] = []
    share = 0.0
    for trial, spent in _arrivals(priced):
        known.append(logs[trial])
        known = [known[index] for index in pareto(known)]
        now = hypervolume(known, reference) / whole
        steps.append(
            GrowthStep(trial=trial, spent_joules=spent, share=now, gained=max(0.0, now - share))
        )
        share = now
    return tuple(steps)


def _arrivals(priced: PricedStudy) -> list[tuple[int, float]]:
    """Every row's trial with what was spent until it was first measured, in order."""
    records, total = priced.study.stages, priced.spent_joules
    spent = _spent_by_time(records)
    results = dict(priced.study.results)
    if spent is None:
        by_trial = _spent_by_use(results, records)
        return sorted(
            ((row.trial, min(total, by_trial[row.trial])) for row in priced.rows),
            key=lambda step: (step[1], step[0]),
        )
    ends, sums = spent
    found: list[tuple[float, int]] = []
    for one in priced.priced:
        found.append((min(_end(result, records) for _, result in one.runs), one.trial))
    return [(trial, sums[bisect.bisect_right(ends, at)]) for at, trial in sorted(found)]


def _spent_by_time(records: Mapping[str, StageRecord]) -> tuple[list[float], list[float]] | None:
    """The ends of all windows in order, and what was spent by each (one sum more, from 0 on).

    None where a window has no time.
    """
    readings = [
        mark.reading
        for record in records.values()
        if record.elsewhere is None
        for mark in (*record.marks, *record.lost)
    ]
    if any(reading.started is None for reading in readings):
        return None
    ordered = sorted(readings, key=_ended)
    sums = itertools.accumulate((reading.joules for reading in ordered), initial=0.0)
    return [_ended(reading) for reading in ordered], list(sums)


def _ended(reading: EnergyReading) -> float:
    return (reading.started or 0.0) + reading.seconds


def _end(result: TrialResult, records: Mapping[str, StageRecord]) -> float:
    """When the last window ended that a trial needed; those of its graph are taken later too."""
    return max(
        (
            _ended(mark.reading)
            for use in result.stages
            if use.stage != "infer" and use.key in records
            for mark in _needed(records[use.key], use)
        ),
        default=0.0,
    )


def _needed(record: StageRecord, use: StageUse) -> list[Mark]:
    """The marks of a record up to the units of a use: a trunk may have gone on for others."""
    found, units = list[Mark](), 0.0
    for mark in record.marks:
        if units >= use.units:
            break
        found.append(mark)
        units += mark.units
    return found


def _spent_by_use(
    results: Mapping[int, TrialResult], records: Mapping[str, StageRecord]
) -> dict[int, float]:
    """By trial, what all trials up to its number were the first to need."""
    counted: dict[str, int] = {}
    total, found = 0.0, dict[int, float]()
    for number in sorted(results):
        for use in results[number].stages:
            record = records.get(use.key)
            if record is None or record.elsewhere is not None:
                continue
            known = counted.get(use.key)
            marks = record.marks if use.stage == "infer" else _needed(record, use)
            lost = record.lost if known is None else ()
            fresh = (*marks[known or 0 :], *lost)
            total += math.fsum(mark.reading.joules for mark in fresh)
            counted[use.key] = max(known or 0, len(marks))
        found[number] = total
    return found

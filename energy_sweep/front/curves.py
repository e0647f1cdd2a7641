"""Learning curves: what is stored of each epoch, and of trainings that differ only in epochs."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front.breakdown import EPOCH_STAGES
from energy_sweep.front.merged import Row
from energy_sweep.record import JsonDict, StageRecord, TrialResult, to_json

EPOCHS = "epochs"


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthCurve:
    """Configurations that differ in their number of epochs alone, shortest first.

    Each is a training of its own, brought to an end; what they have in common was trained once.
    """

    params: JsonDict
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochCurve:
    """What was read after each epoch of one trial: shape [E] each.

    `losses` are means over the epoch's training images, None where they were not stored.
    """

    stages: tuple[str, ...]
    joules: tuple[float, ...]
    losses: tuple[float | None, ...]

    @property
    def spent(self) -> tuple[float, ...]:
        """The joules up to and with each epoch."""
        return tuple(itertools.accumulate(self.joules))


def length_curves(rows: Iterable[Row]) -> tuple[LengthCurve, ...]:
    """The curves of two points or more, by the lowest trial; empty where epochs are no axis."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if isinstance(row.params.get(EPOCHS), int | float):
            rest = {name: value for name, value in row.params.items() if name != EPOCHS}
            groups[json.dumps(to_json(rest), sort_keys=True)].append(row)
    curves: list[LengthCurve] = []
    for found in groups.values():
        ordered = sorted(found, key=lambda row: row.params[EPOCHS])
        if len(ordered) > 1:
            rest = {name: value for name, value in ordered[0].params.items() if name != EPOCHS}
            curves.append(LengthCurve(params=rest, rows=tuple(ordered)))
    return tuple(sorted(curves, key=lambda curve: min(row.trial for row in curve.rows)))


def epoch_curve(result: TrialResult, records: Mapping[str, StageRecord]) -> EpochCurve | None:
    """What is stored of each epoch of a trial, in order; None where a reading is gone."""
    stages, joules = list[str](), list[float]()
    losses: list[float | None] = []
    for use in result.stages:
        if use.stage not in EPOCH_STAGES:
            continue
        record = records.get(use.key)
        if record is None or record.units < use.units:
            return None
        # A trunk may have gone on for longer trainings: only the epochs up to here are this one's.
        marks = record.marks[: int(use.units)]
        if any(mark.units != 1 for mark in marks):
            return None  # not one reading an epoch
        stages += [use.stage] * len(marks)
        joules += [mark.reading.joules for mark in marks]
        losses += _losses(record, len(marks))
    if not stages:
        return None
    return EpochCurve(stages=tuple(stages), joules=tuple(joules), losses=tuple(losses))


def _losses(record: StageRecord, count: int) -> Sequence[float | None]:
    stored: JsonDict = record.facts.get("losses", {})
    return [stored.get(str(epoch)) for epoch in range(1, count + 1)]

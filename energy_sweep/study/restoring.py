"""A study's database made anew, from what is known of it; the damaged one is kept beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from energy_sweep.record.files import replace_file
from energy_sweep.study import database
from energy_sweep.study.attributes import INFEASIBLE
from energy_sweep.study.display import displays
from energy_sweep.study.journal import CLAIM, RESULT, of_trial
from energy_sweep.study.merging import Known, Merged
from energy_sweep.study.paths import DATABASE, move_aside
from energy_sweep.study.space import Space


def restore(folder: Path, known: Merged, space: Space) -> Path | None:
    """Put a new database of all known trials, under their numbers, in the place of the old one.

    Gives where the old one is kept, None where there was none.
    """
    path = folder / DATABASE
    with replace_file(path) as part:
        storage = database.connect_file(part)
        try:
            fill(storage, known, space)
        finally:
            database.disconnect(storage)
        return move_aside(path)


def fill(storage: RDBStorage, known: Merged, space: Space) -> None:
    """Put all known trials, under their numbers, into a storage without a study."""
    trials = list(_trials(known))
    database.create(storage, known.facts, trials, displays(trials, space))


def _trials(known: Merged) -> Iterator[FrozenTrial]:
    for number in range(known.count):
        one = known.trials.get(number)
        # A number that nothing is known of stays taken: it names a folder of somebody's trial.
        yield create_trial(state=TrialState.FAIL) if one is None else _trial(one)


def _trial(one: Known) -> FrozenTrial:
    number, state, result = one.record.number, one.record.state, one.record.result
    attributes: dict[str, Any] = {CLAIM: of_trial(number, one.claim)}
    if one.result is not None:
        attributes[RESULT] = of_trial(number, one.result)
    if one.record.error is not None:
        attributes["error"] = one.record.error
    if state == "measured" and result is not None and result.accuracy is not None:
        values = [result.accuracy, math.nan if one.joules is None else one.joules]
        if math.isfinite(values[1]):
            return create_trial(state=TrialState.COMPLETE, values=values, user_attrs=attributes)
    if state == "infeasible":
        return create_trial(
            state=TrialState.PRUNED, user_attrs=attributes, system_attrs=dict(INFEASIBLE)
        )
    # One whose joules are not known is told again, by the sweep that adopts it.
    told = TrialState.FAIL if state == "failed" else TrialState.RUNNING
    return create_trial(state=told, user_attrs=attributes)

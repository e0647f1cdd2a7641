"""Measure again what was measured beside other programs alone: `stages --again`."""

from __future__ import annotations

import dataclasses
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.record import BadInput, Objective, TrialRecord, digest, from_json
from energy_sweep.study.links import check_links
from energy_sweep.study.workers import StudyBusyError, alone

if TYPE_CHECKING:
    from energy_sweep.store import StageStore


def remeasure(
    stored: StoredStudy, run: Callable[..., Any] | None = None, *, allow: Sequence[str] = ()
) -> tuple[int, ...]:
    """Run trials anew, in a store of their own, until no price rests on contended windows alone.

    Their readings join the study's pools and its bill; gives the trials that were run, each once.
    `run` stands in for `trial.run_trial`; `allow` are packages that the user trusts.
    """
    check_links(stored.folder)
    try:
        with alone(stored.folder):
            return _remeasure(stored, run, allow)
    except StudyBusyError:
        name = stored.record.name
        raise BadInput(f"a sweep is working on {name}: type stages --again when it ends") from None


def take_readings(run: Callable[[StageStore], Any], store: StageStore) -> None:
    """Give `store` what `run` measures in an empty store, under names of its own."""
    from energy_sweep.store import StageStore

    with tempfile.TemporaryDirectory(prefix="energy-sweep-again-") as folder:
        scratch = StageStore(Path(folder), meter_id=store.meter_id, coefficients=store.coefficients)
        try:
            run(scratch)
        finally:
            # What was spent is on the bill, whatever came of it.
            for record in scratch.records().values():
                if record.elsewhere is None:
                    key = digest([record.key, "again", uuid.uuid4().hex])
                    store.put(dataclasses.replace(record, key=key, facts={}))


def _remeasure(
    stored: StoredStudy, run: Callable[..., Any] | None, allow: Sequence[str]
) -> tuple[int, ...]:
    from energy_sweep.front import selection

    done = list[int]()
    while True:
        record = dataclasses.replace(stored.record, stages=stored.store.records())
        rows = selection.rows(record, Objective())
        due = [row for row in rows if row.contended and row.trial not in done]
        if not due:
            return tuple(done)
        cheapest = min(due, key=lambda row: row.joules).trial
        done.append(cheapest)
        trial = next(one for one in record.trials if one.number == cheapest)
        _measure(stored, trial, run, allow)


def _measure(
    stored: StoredStudy, trial: TrialRecord, run: Callable[..., Any] | None, allow: Sequence[str]
) -> None:
    from energy_sweep.app.sweep.session import open_session
    from energy_sweep.app.verbs.stored_recipe import rebuild_recipe
    from energy_sweep.recipe import replace
    from energy_sweep.recipe.plan import Plan
    from energy_sweep.trial import run_trial

    values, recipe = rebuild_recipe(stored, trial, allow=allow)
    if trial.result is not None and "plan" in trial.result.facts:
        recipe = replace(recipe, plan=from_json(Plan, trial.result.facts["plan"]))
    session = open_session(values, recipe.device)
    try:
        if session.store.meter_id != stored.store.meter_id:
            raise BadInput(f"trial {trial.number} was measured by another meter than is here now")
        work = run or run_trial
        take_readings(
            lambda scratch: work(recipe, meter=session.meter, store=scratch), stored.store
        )
    finally:
        session.meter.close()

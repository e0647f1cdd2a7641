"""One trial: runs the chain of a recipe, stage by stage, and gathers what it found."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from energy_sweep.meter.base import Meter
from energy_sweep.meter.turn import device_turn
from energy_sweep.recipe import Recipe
from energy_sweep.record import Infeasible, JsonDict, StageRecord, TrialResult, to_json
from energy_sweep.store import StageStore
from energy_sweep.trial.autotune.choose import (
    PlannedStage,
    plan_key,
    plan_record,
    planned_stages,
    resolve,
    steps_per_epoch,
)
from energy_sweep.trial.autotune.decide import step_joules
from energy_sweep.trial.autotune.worth import StepsToCome
from energy_sweep.trial.compression.compress import achieved, compress
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.data import data_facts, load_data
from energy_sweep.trial.deployment.accuracy_limit import compare
from energy_sweep.trial.deployment.deployed import ExportedModel
from energy_sweep.trial.deployment.evaluation import evaluate, infer
from energy_sweep.trial.preload import preload
from energy_sweep.trial.readiness import check_ready
from energy_sweep.trial.session import session
from energy_sweep.trial.training.fit import fit
from energy_sweep.trial.training.teacher import Teacher, attach_teacher, teacher_logits

__all__ = [
    "PlannedStage",
    "StepsToCome",
    "Teacher",
    "check_ready",
    "data_facts",
    "deployed_trial",
    "load_data",
    "plan_key",
    "plan_record",
    "planned_stages",
    "resolve",
    "run_trial",
    "step_joules",
    "steps_per_epoch",
]


def run_trial(
    recipe: Recipe,
    *,
    meter: Meter | Mapping[str, Any] | str = "auto",
    store: StageStore | Path | str = "outputs/stages",
    branch_epochs: Iterable[int] = (),
) -> TrialResult:
    """Run whatever of the recipe's chain the store does not hold yet.

    The meter is an open one, a name or settings, as of `open_meter`; the store may be its folder.
    `branch_epochs` are the trunk epochs whose states other recipes will want. A loss that
    diverges, or memory that runs out, makes the result infeasible; its joules stay.
    """
    with session(recipe, meter, store) as (opened, kept):
        check_ready(recipe, meter_id=lambda: kept.meter_id)  # which may download data
        with device_turn(opened):
            preload(recipe)
            planned = resolve(recipe, meter=opened, store=kept)
            context = _context(planned, meter=opened, store=kept, keep=frozenset(branch_epochs))
            return _run(context, plan_record(recipe, kept))


def _run(context: TrialContext, tried: StageRecord | None) -> TrialResult:
    """The result of a recipe whose plan is known; `tried` is the record of how it was found."""
    recipe = context.recipe
    correct, infeasible, facts = None, None, JsonDict()
    plan = to_json(context.plan)
    try:
        with recipe.device.running(), recipe.device.infeasible_out_of_memory():
            with context.trainer.training():
                teacher_logits(context)
                fit(context)
                facts = context.size_facts()
                rounds = compress(context)
            with ExportedModel(context) as deployed:
                rounds += deployed.lower()
                evaluation = evaluate(deployed)
                facts |= achieved(context, rounds, zeros=evaluation.zero_weights)
                facts |= infer(deployed, evaluation)
            facts |= evaluation.facts
            facts |= compare(context, evaluation.correct)
            correct = evaluation.correct
    except Infeasible as reason:
        infeasible = str(reason)
    if tried is not None:
        facts["calibrate"] = [tried.key, *facts.get("calibrate", [])]
    return TrialResult(
        config=recipe.config(),
        seed=recipe.seed,
        stages=tuple(context.usage.used),
        n_validation=len(context.data.validation.labels),
        correct=correct,
        infeasible=infeasible,
        facts={"plan": plan, **context.facts(), **facts},
        peak_memory_bytes=context.usage.peak_memory_bytes(),
        machine=context.machine,
    )


@contextmanager
def deployed_trial(recipe: Recipe, *, meter: Meter, store: StageStore) -> Generator[ExportedModel]:
    """The `network` and the file (`path`) that a trial deploys, for as long as they are needed.

    Stages whose weights were evicted run again. Levers change no weights, so they stay.
    """
    recipe = resolve(recipe, meter=meter, store=store)
    with (
        device_turn(meter),
        recipe.device.running(levers=False),
        ExportedModel(_context(recipe, meter=meter, store=store)) as deployed,
    ):
        yield deployed


def _context(
    recipe: Recipe, *, meter: Meter, store: StageStore, keep: frozenset[int] = frozenset()
) -> TrialContext:
    context = TrialContext(recipe, meter=meter, store=store, keep=keep)
    attach_teacher(context)
    return context

"""Decides for one net how it is run: plain, unless trying other plans pays and finds a cheaper."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from statistics import median

from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN, Plan
from energy_sweep.record import Infeasible, JsonDict, StageRecord, from_json, to_json
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore
from energy_sweep.trial.autotune.candidates import Autotuner, Candidate
from energy_sweep.trial.autotune.memory import PlanMemory, RememberedPlan, memory_of, today
from energy_sweep.trial.autotune.saving import FIRST_LOOK, PlanSaving, choose, saving
from energy_sweep.trial.autotune.worth import LIKELY_SAVING, StepsToCome, Worth
from energy_sweep.trial.data import load_data
from energy_sweep.trial.preload import preload

STAGE = "calibrate"


def is_outgrown(known: StageRecord, to_come: StepsToCome | None) -> bool:
    """Whether plans were not tried, since there was only a look or for want of epochs, and now
    so many are to come that it pays."""
    if to_come is None or known.facts.get("tried", True):
        return False
    worth = from_json(Worth, known.facts["worth"])
    if known.facts.get("only_looked"):
        worth = dataclasses.replace(worth, steps=0.0)
    return worth.pays_to_switch(to_come)


def step_joules(record: StageRecord) -> float | None:
    """Joules of a step under the plan of a record, as far as they were read to choose it."""
    facts = record.facts
    plain = facts["worth"]["joules_per_step"] if "worth" in facts else facts.get("step_joules")
    return None if plain is None else plain * (1 - facts.get("saving", {}).get("share", 0.0))


def decide(
    recipe: Recipe,
    asked: StageRecord,
    to_come: StepsToCome,
    *,
    before: StageRecord | None,
    meter: Meter,
    store: StageStore,
    begins: Callable[[], None],
    only_look: bool = False,
) -> StageRecord:
    """Fill the record that was `asked` for, and keep it, in place of the one of `before`.

    What is remembered of equal nets costs nothing. What a kill interrupted begins anew; what it
    took is lost work. With `only_look` no plan is tried beside plain, though that may pay later.
    """
    log = MarkLog(store.folder(asked.key))
    spent = () if before is None else (*before.marks, *before.lost)
    lost = (*spent, *log.after(0))
    memory = memory_of(asked.settings, meter.facts(), store.meter_id)
    known = None
    if memory is not None and recipe.device.remember:
        known = memory.recall(recipe.device.resolve())
    if known is not None and known.suffices(to_come):
        made = dataclasses.replace(asked, facts=_remembered(known))
    else:
        tuner = Autotuner(recipe, meter=meter, store=store, keep=functools.partial(log.append, 1))
        share = LIKELY_SAVING if memory is None else memory.likely_saving()
        pays = StepsToCome(steps=0.0) if only_look else to_come
        run = functools.partial(tuner.run, pays, share=share, begins=begins)
        made = _try(recipe, asked, tuner, run, to_come)
        _remember(memory, made, tuner)
    if before is not None:
        made = _unless_too_late(made, to_come)
    record = store.put(dataclasses.replace(made, lost=(*lost, *made.lost)))
    log.clear()
    return record


def _unless_too_late(made: StageRecord, to_come: StepsToCome) -> StageRecord:
    """The plain plan, where another saves less than what is done under the plain one."""
    share = made.facts.get("saving", {}).get("share", 0.0)
    if share * to_come.steps > to_come.done:
        return made
    return dataclasses.replace(made, facts={**made.facts, "plan": to_json(DEFAULT_PLAN)})


def _remembered(known: RememberedPlan) -> JsonDict:
    return {
        "plan": to_json(known.plan),
        "saving": to_json(known.saving),
        "bf16": known.bf16,
        "remembered": known.made,
        "step_joules": known.joules_per_step,
    }


def _remember(memory: PlanMemory | None, made: StageRecord, tuner: Autotuner) -> None:
    """Keep what was found for other studies, unless a plan could not be run, for any reason."""
    facts, worth = made.facts, tuner.worth
    if memory is None or worth is None or tuner.failed or not facts.get("tried"):
        return
    memory.remember(
        RememberedPlan(
            made=today(),
            plan=from_json(Plan, facts["plan"]),
            saving=from_json(PlanSaving, facts["saving"]),
            bf16=facts["bf16"],
            most=facts["most"],
            joules_per_step=worth.joules_per_step,
            price_joules=worth.price_joules,
        )
    )


def _try(
    recipe: Recipe,
    asked: StageRecord,
    tuner: Autotuner,
    run: Callable[[], None],
    to_come: StepsToCome,
) -> StageRecord:
    """Try what pays; where plain itself cannot be run, it is taken, and the trial will say why."""
    preload(recipe)
    try:
        with recipe.device.running():
            run()
    except Infeasible as reason:
        failed: JsonDict = {"plan": to_json(DEFAULT_PLAN), "infeasible": str(reason)}
        return dataclasses.replace(asked, marks=tuner.marks, lost=tuner.lost, facts=failed)
    worth = None if tuner.worth is None else tuner.worth.of(to_come)
    facts: JsonDict = {"tried": tuner.tried, "worth": to_json(worth), "looked": tuner.looked}
    if worth is not None and worth.pays and not tuner.tried:
        facts["only_looked"] = True
    found = _found(recipe, tuner) if tuner.tried else {"plan": to_json(DEFAULT_PLAN), "bf16": None}
    return dataclasses.replace(asked, marks=tuner.marks, facts={**facts, **found})


def _found(recipe: Recipe, tuner: Autotuner) -> JsonDict:
    """The plan to take, what it saves over plain, and what bf16 would save over it."""
    same = [one for one in tuner.candidates if one.precision == recipe.precision]
    plain = same[0]
    own = {one.plan: one for one in same if one is plain or len(one.rounds) >= FIRST_LOOK}
    epoch = len(load_data(recipe.dataset).train) // recipe.batch
    plan = choose(
        {plan: one.rounds for plan, one in own.items()},
        {plan: one.cold.joules for plan, one in own.items()},
        steps=recipe.epochs * epoch,
    )
    saved = PlanSaving(0.0, 0.0) if plan == DEFAULT_PLAN else saving(own[plan].rounds, plain.rounds)
    others = [one for one in tuner.candidates if one.precision != recipe.precision]
    return {
        "plan": to_json(plan),
        "saving": to_json(saved),
        "most": _most(plan, own, tuner),
        "bf16": _bf16(others[0], own[plan]) if others else None,
        "joules_per_step": {one.name: one.rounds for one in tuner.candidates},
        "failed": tuner.failed,
    }


def _most(plan: Plan, own: Mapping[Plan, Candidate], tuner: Autotuner) -> float:
    """The largest share that a plan which was not taken may save in truth, beyond the one taken."""
    plain = own[DEFAULT_PLAN].rounds
    shares = {one: saving(own[one].rounds, plain) for one in own if one != DEFAULT_PLAN}
    ours = shares[plan].share if plan in shares else 0.0
    left = [found.most - ours for one, found in shares.items() if one != plan]
    return min(1.0, max([0.0, *left, *([LIKELY_SAVING] if tuner.left_out else [])]))


def _bf16(other: Candidate, ours: Candidate) -> JsonDict:
    """What it would save; how sure that is, one round alone cannot tell."""
    if len(other.rounds) >= FIRST_LOOK:
        return {"plan": other.plan.name, **to_json(saving(other.rounds, ours.rounds))}
    usual = median(ours.rounds)
    share = 1 - other.rounds[0] / usual if usual > 0 else 0.0
    return {"plan": other.plan.name, "share": share, "uncertainty": None}

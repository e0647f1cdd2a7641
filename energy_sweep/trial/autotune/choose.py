"""Chooses how a net is run, by trying each way for a few steps: once, in a window of its own.

The record of what was tried is a stage, `calibrate`, stored before any key is made of its answer,
so that a sweep which is killed and goes on keeps its plans. Its joules are in no objective.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe, of_one_process, replace, spec
from energy_sweep.recipe.plan import AUTO, DEFAULT_PLAN, PLANS, Plan
from energy_sweep.record import Infeasible, JsonDict, StageRecord, digest, from_json, to_json
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore
from energy_sweep.training.loop import whole_groups
from energy_sweep.trial.autotune.candidates import ROUNDS, Autotuner, Candidate, head
from energy_sweep.trial.data import load_data
from energy_sweep.trial.preload import preload
from energy_sweep.uncertainty.intervals import mean_interval

STAGE = "calibrate"
# Raised whenever the code here or in `candidates` would find other plans than before.
VERSION = 1
# Dials that change no joule of a step, beside those that data and optimizer are named by below.
_IDLE = (
    *("dataset", "optimizer", "compression", "level", "runtime", "lr", "epochs"),
    *("inference_batch", "label_smoothing", "pretrained"),
)


@dataclass(frozen=True, slots=True)
class PlanSaving:
    """The share of the joules of a step that is saved, and its 95 % uncertainty by the rounds."""

    share: float
    uncertainty: float

    @property
    def is_sure(self) -> bool:
        return self.share > self.uncertainty


def resolve(
    recipe: Recipe, *, meter: Meter, store: StageStore, machine: JsonDict | None = None
) -> Recipe:
    """The recipe with its plan: the one that was typed, or that was found cheapest for its net."""
    if recipe.plan is not None:
        return recipe
    if recipe.device.plan != AUTO:
        return replace(recipe, plan=PLANS[recipe.device.plan])
    data, one = load_data(recipe.dataset), of_one_process(recipe)
    head(data, recipe.batch)  # what cannot be trained is refused before anything is spent
    whole_groups(len(data.train) // recipe.batch, recipe.batch, recipe.accumulate)
    key, settings = _named(one, machine)
    tried = store.get(key) or _try_and_keep(one, key, settings, meter=meter, store=store)
    return replace(recipe, plan=from_json(Plan, tried.facts["plan"]))


def plan_record(
    recipe: Recipe, store: StageStore, machine: JsonDict | None = None
) -> StageRecord | None:
    """What was tried for a recipe's plan; None where the plan was typed or is not resolved yet."""
    if recipe.device.plan != AUTO:
        return None
    return store.get(_named(of_one_process(recipe), machine)[0])


def choose(
    rounds: Mapping[Plan, Sequence[float]], cold: Mapping[Plan, float], *, steps: int
) -> Plan:
    """The plan of the fewest joules per step; plain, unless another is surely cheaper.

    `rounds` are joules per step, round by round, `cold` the joules of the very first step, which
    compiles: that has to pay within the `steps` of one trial.
    """

    def is_cheaper(plan: Plan) -> bool:
        gain = median(rounds[DEFAULT_PLAN]) - median(rounds[plan])
        extra = cold[plan] - cold[DEFAULT_PLAN] if plan.compile else 0.0
        return (
            gain > 0 and saving(rounds[plan], rounds[DEFAULT_PLAN]).is_sure and extra < gain * steps
        )

    better = [plan for plan in rounds if plan != DEFAULT_PLAN and is_cheaper(plan)]
    return min(better, key=lambda plan: median(rounds[plan]), default=DEFAULT_PLAN)


def saving(ours: Sequence[float], theirs: Sequence[float]) -> PlanSaving:
    """What `ours` saves over `theirs`, round by round, so that what drifts cancels."""
    ratios = [a / b if b > 0 else 1.0 for a, b in zip(ours, theirs, strict=True)]
    mean, interval = mean_interval(ratios)
    return PlanSaving(1 - mean, interval.high - mean)


def _named(recipe: Recipe, machine: JsonDict | None) -> tuple[str, JsonDict]:
    """The key of a trial of plans, and the settings that decide the joules of a step."""
    data = load_data(recipe.dataset)
    here: JsonDict = recipe.device.machine() if machine is None else machine
    settings = {
        **{name: value for name, value in recipe.config().items() if name not in _IDLE},
        "shape": list(data.shape),
        "classes": len(data.classes),
        "shift": data.shift,
        "optimizer": spec(recipe.optimizer)["name"],
        "machine": {name: here.get(name) for name in ("device_class", "torch", "isa")},
    }
    return digest([STAGE, "plan", VERSION, settings]), settings


def _try_and_keep(
    recipe: Recipe, key: str, settings: JsonDict, *, meter: Meter, store: StageStore
) -> StageRecord:
    """Try all plans, and keep the record; what a kill interrupted before begins anew, as lost."""
    log = MarkLog(store.folder(key))
    before = tuple(log.after(0))
    tuner = Autotuner(recipe, meter=meter, store=store, keep=functools.partial(log.append, 1))
    made = _try(recipe, tuner, key, settings)
    record = store.put(dataclasses.replace(made, lost=(*before, *made.lost)))
    log.clear()
    return record


def _try(recipe: Recipe, tuner: Autotuner, key: str, settings: JsonDict) -> StageRecord:
    """Try all plans; where plain itself cannot be run, it is taken, and the trial will say why."""
    preload(recipe)
    tried = StageRecord(stage=STAGE, key=key, cost_key=key, settings=settings)
    try:
        with recipe.device.running():
            tuner.run()
    except Infeasible as reason:
        facts: JsonDict = {"plan": to_json(DEFAULT_PLAN), "infeasible": str(reason)}
        return dataclasses.replace(tried, marks=tuner.marks, lost=tuner.lost, facts=facts)
    return dataclasses.replace(tried, marks=tuner.marks, facts=_facts(recipe, tuner))


def _facts(recipe: Recipe, tuner: Autotuner) -> JsonDict:
    """The plan to take, what it saves over plain, and what bf16 would save over it."""
    whole = [one for one in tuner.candidates if len(one.rounds) == ROUNDS]
    own = {one.plan: one for one in whole if one.precision == recipe.precision}
    epoch = len(load_data(recipe.dataset).train) // recipe.batch
    plan = choose(
        {plan: one.rounds for plan, one in own.items()},
        {plan: one.cold.joules for plan, one in own.items()},
        steps=recipe.epochs * epoch,
    )
    others = [one for one in tuner.candidates if one.precision != recipe.precision]
    return {
        "plan": to_json(plan),
        "saving": to_json(saving(own[plan].rounds, own[DEFAULT_PLAN].rounds)),
        "bf16": _bf16(others, own[plan]) if others else None,
        "joules_per_step": {one.name: one.rounds for one in tuner.candidates},
        "failed": tuner.failed,
    }


def _bf16(candidates: Sequence[Candidate], ours: Candidate) -> JsonDict:
    """What the best of them would save; how sure that is, one round alone cannot tell."""
    best = min(candidates, key=lambda one: median(one.rounds))
    if len(best.rounds) == ROUNDS:
        return {"plan": best.plan.name, **to_json(saving(best.rounds, ours.rounds))}
    usual = median(ours.rounds)
    share = 1 - best.rounds[0] / usual if usual > 0 else 0.0
    return {"plan": best.plan.name, "share": share, "uncertainty": None}

"""Chooses how a net is run, once for a study, before any key is made of the answer.

The record of the choice is a stage, `calibrate`, so that a sweep which is killed and goes on keeps
its plans. Its joules are in no objective.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from energy_sweep.front.breakdown import EPOCH_STAGES
from energy_sweep.meter.base import Meter
from energy_sweep.meter.turn import device_turn
from energy_sweep.recipe import Recipe, of_one_process, replace, spec
from energy_sweep.recipe.plan import AUTO, DEFAULT_PLAN, PLANS, Plan
from energy_sweep.recipe.stages import chain
from energy_sweep.record import JsonDict, StageRecord, StageUse, digest, from_json
from energy_sweep.store import StageStore
from energy_sweep.training.loop import whole_groups
from energy_sweep.trial.autotune.candidates import head
from energy_sweep.trial.autotune.decide import STAGE, decide, is_outgrown
from energy_sweep.trial.autotune.worth import StepsToCome
from energy_sweep.trial.data import data_facts, load_data

# Part of the key of every choice. Raised, plans of stored studies would be chosen anew.
VERSION = 1
# Dials that change no joule of a step, beside those that data and optimizer are named by below.
_IDLE = (
    *("dataset", "optimizer", "compression", "level", "runtime", "lr", "epochs"),
    *("inference_batch", "label_smoothing", "pretrained"),
)


def resolve(
    recipe: Recipe,
    *,
    meter: Meter,
    store: StageStore,
    machine: JsonDict | None = None,
    to_come: StepsToCome | None = None,
    begins: Callable[[], None] = lambda: None,
    only_look: bool = False,
) -> Recipe:
    """The recipe with its plan: the one that was typed, or that was found cheapest for its net.

    Plans are tried where the steps `to_come` pay for it, by default those of this recipe alone;
    `begins` is called then. What the store holds stays, unless so many more are `to_come` that
    trying pays by now. With `only_look` nothing is tried yet: a step of the net, run plainly, is
    read where nothing is known of it.
    """
    if recipe.plan is not None:
        return recipe
    if recipe.device.plan != AUTO:
        return replace(recipe, plan=PLANS[recipe.device.plan])
    data, one = load_data(recipe.dataset), of_one_process(recipe)
    head(data, recipe.batch)  # what cannot be trained is refused before anything is spent
    whole_groups(len(data.train) // recipe.batch, recipe.batch, recipe.accumulate)
    key, settings = _named(one, machine)
    known, wanted = store.get(key), None if only_look else to_come
    if known is None or is_outgrown(known, wanted):
        with device_turn(meter), store.alone(key, STAGE) as known:
            if known is None or is_outgrown(known, wanted):
                asked = StageRecord(stage=STAGE, key=key, cost_key=key, settings=settings)
                known = decide(
                    one,
                    asked,
                    to_come or _own_steps(recipe),
                    before=known,
                    meter=meter,
                    store=store,
                    begins=begins,
                    only_look=only_look,
                )
    return replace(recipe, plan=from_json(Plan, known.facts["plan"]))


def plan_record(
    recipe: Recipe, store: StageStore, machine: JsonDict | None = None
) -> StageRecord | None:
    """How a recipe's plan was chosen; None where the plan was typed or is not resolved yet."""
    key = plan_key(recipe, machine)
    return None if key is None else store.get(key)


def plan_key(recipe: Recipe, machine: JsonDict | None = None) -> str | None:
    """What all recipes share that are run under one plan; None where the plan was typed."""
    if recipe.device.plan != AUTO:
        return None
    return _named(of_one_process(recipe), machine)[0]


class PlannedStage(NamedTuple):
    """A stage that trains under a plan: so many epochs of so many batches."""

    epochs: float
    steps_per_epoch: int

    @property
    def steps(self) -> float:
        return self.epochs * self.steps_per_epoch


def planned_stages(recipe: Recipe, stages: Iterable[StageUse]) -> dict[str, PlannedStage]:
    """What of a recipe's chain runs under its plan, by keys of stages."""
    steps = steps_per_epoch(recipe)
    return {use.key: PlannedStage(use.units, steps) for use in stages if use.stage in EPOCH_STAGES}


def steps_per_epoch(recipe: Recipe) -> int:
    """Batches of an epoch, those of all processes."""
    return data_facts(recipe.dataset).images // of_one_process(recipe).batch


def _own_steps(recipe: Recipe) -> StepsToCome:
    plain, machine = replace(recipe, plan=DEFAULT_PLAN), recipe.device.machine()
    stages = chain(plain, machine=machine, fingerprint=data_facts(recipe.dataset).fingerprint)
    return StepsToCome(steps=sum(one.steps for one in planned_stages(recipe, stages).values()))


def _named(recipe: Recipe, machine: JsonDict | None) -> tuple[str, JsonDict]:
    """The key of a choice of plans, and the settings that decide the joules of a step."""
    data = load_data(recipe.dataset)
    here: JsonDict = recipe.device.machine() if machine is None else machine
    settings = {
        **{name: value for name, value in recipe.config().items() if name not in _IDLE},
        "shape": list(data.shape),
        "classes": data.outputs,
        "shift": data.shift,
        "optimizer": spec(recipe.optimizer)["name"],
        "machine": {name: here.get(name) for name in ("device_class", "torch", "isa")},
    }
    return digest([STAGE, "plan", VERSION, settings]), settings

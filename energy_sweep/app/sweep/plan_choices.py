"""With which plan each recipe is run, and what is opened to find that out: once for all recipes of
a kind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.app.sweep.session import TrialSession
from energy_sweep.front import joules_text
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN, PLANS, Plan
from energy_sweep.record import JsonDict, StageRecord, from_json
from energy_sweep.record.identity_cache import by_identity
from energy_sweep.trial import plan_key, resolve, step_joules, steps_per_epoch

Kind = tuple[Any, ...]  # all of a recipe that may have a part in the key of its plan


@dataclass(slots=True)
class PlanChoices:
    """`found` has the records of the choices that were made, where the `demand` for them paid;
    `open_session` opens what a recipe's plan is tried with."""

    open_session: Callable[[Recipe], TrialSession]
    demand: PlanDemand
    found: dict[str, StageRecord]
    _machines: dict[Any, JsonDict] = field(default_factory=dict[Any, JsonDict])
    _sessions: dict[Any, TrialSession] = field(default_factory=dict[Any, TrialSession])
    _keys: dict[Kind, tuple[Recipe, str | None]] = field(
        default_factory=dict[Kind, tuple[Recipe, str | None]]
    )

    def choose(self, recipe: Recipe) -> Recipe:
        """The recipe with its plan, chosen now where nobody has chosen it."""
        key = self.key(recipe)
        if key in self.found:
            return replace(recipe, plan=_plan(self.found[key]))
        session = self.session(recipe)
        made = _with_plan(recipe, session, self.machine(recipe), self.demand, key)
        if key is not None:
            self.found[key] = session.store.records()[key]
        return made

    def look(self, recipe: Recipe) -> None:
        """Read what a step of a recipe's net takes, where neither its plan nor that is known, and
        say what that comes to."""
        key = self.key(recipe)
        if key is None or self.step_joules(recipe) is not None:
            return
        session, machine = self.session(recipe), self.machine(recipe)
        _with_plan(recipe, session, machine, self.demand, key, only_look=True)
        read, step = session.store.records()[key].marks, self.step_joules(recipe)
        if step is not None and read:  # what is remembered of an earlier study took no look
            joules = joules_text(step * steps_per_epoch(recipe))
            told = f"an epoch takes about {joules} ({session.meter.facts().quality.value})"
            print(f"look: {_net(recipe)}: {told}", file=sys.stderr)

    def step_joules(self, recipe: Recipe) -> float | None:
        """Joules of a step of a recipe's net, as far as choosing its plan has told them."""
        key = self.key(recipe)
        record = None if key is None else self.session(recipe).store.get(key)
        return None if record is None else step_joules(record)

    def known(self, recipe: Recipe) -> Recipe:
        """The recipe with the plan that was typed or found before; plain where that is neither."""
        key = self.key(recipe)
        if key is None:
            return replace(recipe, plan=PLANS[recipe.device.plan])
        found = self.session(recipe).store.get(key)
        return replace(recipe, plan=DEFAULT_PLAN if found is None else _plan(found))

    def key(self, recipe: Recipe) -> str | None:
        """What all recipes share that are run under one plan; None where the plan was typed."""
        parts = (recipe.dataset, recipe.model, recipe.optimizer, recipe.compression, recipe.device)
        numbers = (recipe.batch, recipe.accumulate, recipe.level, recipe.max_accuracy_loss)
        taught = None if recipe.teacher is None else (id(recipe.teacher), recipe.epochs)
        kind = (*map(id, parts), taught, recipe.precision, *numbers)
        if kind not in self._keys:  # the recipe is kept, so that nothing else gets its identities
            self._keys[kind] = recipe, plan_key(recipe, self.machine(recipe))
        return self._keys[kind][1]

    def session(self, recipe: Recipe) -> TrialSession:
        """What a recipe is measured with, and where its stages are kept."""
        if recipe.device not in self._sessions:
            self._sessions[recipe.device] = self.open_session(recipe)
        return self._sessions[recipe.device]

    def machine(self, recipe: Recipe) -> JsonDict:
        """What readings and weights of a recipe depend on here."""
        if recipe.device not in self._machines:
            self._machines[recipe.device] = recipe.device.machine()
        return self._machines[recipe.device]


def _with_plan(
    recipe: Recipe,
    session: TrialSession,
    machine: JsonDict,
    demand: PlanDemand,
    key: str | None,
    *,
    only_look: bool = False,
) -> Recipe:
    """The recipe with its plan, tried where the `demand` for it pays; `key` names the choice."""
    return resolve(
        recipe,
        meter=session.meter,
        store=session.store,
        machine=machine,
        to_come=None if key is None else demand.of(key, session.store.records()),
        begins=lambda: print(f"plan: trying how to run {_net(recipe)}", file=sys.stderr),
        only_look=only_look,
    )


def _net(recipe: Recipe) -> str:
    return f"{recipe.model.name} at batch {recipe.batch}, {recipe.precision}"


@by_identity
def _plan(record: StageRecord) -> Plan:
    """What a record says of how a net is run."""
    return from_json(Plan, record.facts["plan"])

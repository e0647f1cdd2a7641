"""Says of any point of the space, before it is run, what it is and which stages it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.app import messages, schema
from energy_sweep.app.axes import LEVEL, Axes, values_to_check
from energy_sweep.app.build import Builder
from energy_sweep.app.chains import as_typed
from energy_sweep.app.composer import Composer
from energy_sweep.app.levels import Levels
from energy_sweep.app.session import Session
from energy_sweep.chain import chain
from energy_sweep.execution import AUTO, PLAIN
from energy_sweep.recipe import Recipe, replace
from energy_sweep.record import BadInput, Plain, StageRecord, StageUse
from energy_sweep.search import Job
from energy_sweep.trial import check_compressible, check_model, load_data, plan_record, resolve


@dataclass(slots=True)
class Planner:
    """Describes points as jobs; `trunk_epochs` are the trunk lengths of those described so far.

    `session` opens what a recipe's plan is tried with; `plans` are the records of those trials,
    `levels` what the levels asked come to.
    """

    composer: Composer
    builder: Builder
    session: Callable[[Recipe], Session]
    plans: dict[str, StageRecord] = field(default_factory=dict[str, StageRecord])
    trunk_epochs: set[int] = field(default_factory=set[int])
    levels: Levels = field(default_factory=Levels)
    _machines: dict[Any, Plain] = field(default_factory=dict[Any, Plain])

    @property
    def axes(self) -> Axes:
        return self.composer.axes

    def corner(self) -> Recipe:
        """The recipe of one point of the space."""
        return self._canonical(self.axes.corner())[2]

    def describe(self, params: Plain) -> Job:
        """The job of a point, whose level is named as the technique really carries it out."""
        params, values, recipe = self._canonical(params)
        stages = self.stages(self._planned(recipe))
        return Job(
            params=params,
            config=recipe.config(),
            seed=recipe.seed,
            overrides=tuple(as_typed(self.axes.overrides(params))),
            stages=stages,
            dials={**self.composer.dials(params, values), LEVEL: recipe.snapped_level},
        )

    def stages(self, recipe: Recipe) -> tuple[StageUse, ...]:
        """What a recipe needs on this machine."""
        data = load_data(recipe.dataset)
        stages = chain(recipe, machine=self._machine(recipe), fingerprint=data.fingerprint)
        self.trunk_epochs.update(int(use.units) for use in stages if use.stage == "trunk")
        return stages

    def _planned(self, recipe: Recipe) -> Recipe:
        """The recipe with its plan, tried now where nobody has tried it."""
        session, machine = self.session(recipe), self._machine(recipe)
        if recipe.device.plan == AUTO and plan_record(recipe, session.store, machine) is None:
            net = f"{recipe.model.name} at batch {recipe.batch}, {recipe.precision}"
            print(f"plan: trying how to run {net}", file=sys.stderr)
        made = resolve(recipe, meter=session.meter, store=session.store, machine=machine)
        tried = plan_record(recipe, session.store, machine)
        if tried is not None:
            self.plans[tried.key] = tried
        return made

    def _machine(self, recipe: Recipe) -> Plain:
        if recipe.device not in self._machines:
            self._machines[recipe.device] = recipe.device.machine()
        return self._machines[recipe.device]

    def check(self) -> None:
        """Build every value of every axis once; BadInput names the first that cannot be run."""
        corner = self.axes.corner()
        _, _, recipe = self._canonical(corner)
        self._check(recipe)
        boards = recipe.device.uuids()
        for axis in self.axes.space.axes:
            for value in values_to_check(axis):
                try:
                    _, _, recipe = self._canonical({**corner, axis.name: value})
                    self._check(recipe)
                    _check_boards(axis.name, value, boards, recipe)
                except BadInput:
                    raise
                except Exception as error:
                    line = messages.explain(error, schema.dials())
                    if line is None:
                        raise
                    raise BadInput(line) from error

    def _check(self, recipe: Recipe) -> None:
        """Name the stages of a recipe, whatever its plan will be, and try its net."""
        self.stages(replace(recipe, plan=PLAIN))
        check_model(recipe)
        check_compressible(recipe)

    def _canonical(self, params: Plain) -> tuple[Plain, Plain, Recipe]:
        """A point, its resolved values and its recipe; of many levels techniques honour few."""
        if LEVEL in params and params.get("compression") == "none":
            params = {**params, LEVEL: 0}
        values = self.composer.values(params)
        recipe = self.builder.recipe(values)
        self.levels.add(recipe)
        level = recipe.snapped_level
        if level != params.get(LEVEL, level):
            params = {**params, LEVEL: level}
        return params, values, recipe


def _check_boards(name: str, value: object, boards: tuple[str, ...], recipe: Recipe) -> None:
    """Joules of one study are joules of the same GPUs, or they do not compare."""
    if recipe.device.uuids() != boards:
        raise BadInput(
            f"{name}={value}: reads other GPUs than the rest of the study, so its joules do not"
            f" compare: give it a study of its own, with {name}={value} name=NAME"
        )

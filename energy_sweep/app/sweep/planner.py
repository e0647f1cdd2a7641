"""Says of any point of the space, before it is run, what it is and which stages it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from energy_sweep.app.config import messages, schema
from energy_sweep.app.config.axes import LEVEL, Axes, values_to_check
from energy_sweep.app.config.build import Builder
from energy_sweep.app.config.composer import Composer
from energy_sweep.app.config.compression_lists import as_typed
from energy_sweep.app.config.levels import Levels
from energy_sweep.app.sweep.plan_choices import PlanChoices
from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.app.sweep.session import TrialSession
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.dials import SEED
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain
from energy_sweep.record import BadInput, JsonDict, StageRecord, StageUse
from energy_sweep.search import WHOLE_GRID, Foretold, Job
from energy_sweep.trial import (
    check_ready,
    data_facts,
    planned_stages,
    steps_per_epoch,
)

Point = tuple[JsonDict, JsonDict, Recipe]


@dataclass(slots=True)
class Planner:
    """Describes points as jobs; `trunk_epochs` are the trunk lengths of those described so far.

    `session` opens what a recipe's plan is tried with, where the `demand` for it pays; `plans` are
    the records of those choices, `levels` what the levels asked come to.
    """

    composer: Composer
    builder: Builder
    session: Callable[[Recipe], TrialSession]
    demand: PlanDemand
    plans: dict[str, StageRecord] = field(default_factory=dict[str, StageRecord])
    trunk_epochs: set[int] = field(default_factory=set[int])
    levels: Levels = field(default_factory=Levels)
    _points: dict[str, Point] = field(default_factory=dict[str, Point])
    _choices: PlanChoices = field(init=False)

    def __post_init__(self) -> None:
        self._choices = PlanChoices(self.session, self.demand, self.plans)

    @property
    def axes(self) -> Axes:
        return self.composer.axes

    def corner(self) -> Recipe:
        """The recipe of one point of the space."""
        return self._canonical(self.axes.corner())[2]

    def describe(self, params: JsonDict) -> Job:
        """The job of a point, whose level is named as the technique really carries it out."""
        params, values, recipe = self._canonical(params)
        job = self._job(params, self._choices.choose(recipe))
        dials = {**self.composer.dials(params, values), LEVEL: recipe.effective_level}
        return dataclasses.replace(job, dials=dials)

    def outline(self, params: JsonDict) -> Job:
        """The same without trying a plan: where none is known yet, as of a net run plainly."""
        params, _, recipe = self._canonical(params)
        return self._job(params, self._choices.known(recipe))

    def look(self, params: JsonDict) -> Job:
        """The same once a step of its net was read, where nothing was known of that yet."""
        params, _, recipe = self._canonical(params)
        self._choices.look(recipe)
        return self._job(params, self._choices.known(recipe))

    def _job(self, params: JsonDict, recipe: Recipe) -> Job:
        stages = self.stages(recipe)
        return Job(
            params=params,
            config=recipe.config(),
            seed=recipe.seed,
            overrides=tuple(as_typed(self.axes.overrides(params))),
            stages=stages,
            foretold=self._foretold(recipe, stages),
        )

    def _foretold(self, recipe: Recipe, stages: Sequence[StageUse]) -> Foretold:
        """Joules of an epoch, as far as a step of the same net alone tells them."""
        step = None if recipe.suited.in_training else self._choices.step_joules(recipe)
        own = next((use for use in stages if use.stage == "trunk"), None)
        if step is None or own is None:
            return ()
        return ((own.cost_key, step * steps_per_epoch(recipe)),)

    def reseeded(self, params: JsonDict, seed: int) -> Job:
        """The job of a point at another seed, whether the space has an axis of seeds or not."""
        params, values, _ = self._canonical(params)
        values = {**values, SEED: seed}
        recipe = self.builder.recipe(values)
        words = as_typed(self.axes.overrides(params))
        kept = [word for word in words if word.lstrip("+").partition("=")[0] != SEED]
        return Job(
            params={**params, SEED: seed},
            config=recipe.config(),
            seed=recipe.seed,
            overrides=(*kept, f"{SEED}={seed}"),
            stages=self.stages(self._choices.choose(recipe)),
            dials={**self.composer.dials(params, values), LEVEL: recipe.effective_level},
        )

    def recipe(self, params: JsonDict) -> Recipe:
        """The recipe of a point, with its plan."""
        return self._choices.choose(self._canonical(params)[2])

    def stages(self, recipe: Recipe) -> tuple[StageUse, ...]:
        """What a recipe needs on this machine."""
        data, machine = data_facts(recipe.dataset), self._choices.machine(recipe)
        stages = chain(recipe, machine=machine, fingerprint=data.fingerprint, sizes=data.sizes)
        self.trunk_epochs.update(int(use.units) for use in stages if use.stage == "trunk")
        return stages

    def check(self) -> None:
        """Try every value of every axis, and every point of a grid that may be run whole.

        BadInput names the first that cannot be run.
        """
        corner, space = self.axes.corner(), self.axes.space
        boards = self._runnable_recipe(corner).device.uuids()
        for axis in space.axes:
            for value in values_to_check(axis):
                recipe = self._runnable_recipe({**corner, axis.name: value}, axis=axis.name)
                _check_boards(axis.name, value, boards, recipe)
        if space.size is not None and space.size <= WHOLE_GRID:
            for point in space.grid():
                self._runnable_recipe(point)

    def _runnable_recipe(self, params: JsonDict, *, axis: str | None = None) -> Recipe:
        """The recipe of a point, which can be run; BadInput says why where it cannot."""
        try:
            _, _, recipe = self._canonical(params)
            self._check(recipe, axis)
        except BadInput:
            raise
        except Exception as error:
            line = messages.explain(error, schema.dials())
            if line is None:
                raise
            raise BadInput(line) from error
        return recipe

    def _check(self, recipe: Recipe, axis: str | None) -> None:
        """Name the stages of a recipe, whatever its plan will be, and try what it is made of."""
        stages = self.stages(replace(recipe, plan=DEFAULT_PLAN))
        key = self._choices.key(recipe)
        if key is not None:
            self.demand.add(key, planned_stages(recipe, stages), axis=axis)
        check_ready(recipe, meter_id=lambda: self._choices.session(recipe).store.meter_id)

    def _canonical(self, params: JsonDict) -> Point:
        """A point, its resolved values and its recipe; of many levels techniques honour few."""
        key = repr(sorted(params.items()))
        if key not in self._points:
            self._points[key] = self._build_point(params)
        return self._points[key]

    def _build_point(self, params: JsonDict) -> Point:
        if LEVEL in params and params.get("compression") == "none":
            params = {**params, LEVEL: 0}
        values = self.composer.values(params)
        recipe = self.builder.recipe(values)
        self.levels.add(recipe)
        level = recipe.effective_level
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

"""A sweep: reads the axes, checks them, prices the plan, runs what is new, shows the front."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from energy_sweep.app.config.aliases import search_settings, typed_constraints
from energy_sweep.app.config.axes import DEFAULT_SPACE, LEVEL, Axes, read_axes
from energy_sweep.app.config.composer import Composer, PointLoader
from energy_sweep.app.config.storage import storage_of
from energy_sweep.app.stored_study import study_words
from energy_sweep.app.sweep.announce import next_commands
from energy_sweep.app.sweep.attempts import one_more_attempt
from energy_sweep.app.sweep.buying import certainty_order
from energy_sweep.app.sweep.dataset_text import data_line, data_text
from energy_sweep.app.sweep.dry_run import study_folder
from energy_sweep.app.sweep.folders import check_whole
from energy_sweep.app.sweep.identity import study_identity
from energy_sweep.app.sweep.launching import Launching
from energy_sweep.app.sweep.learning import check_asked, learn_from
from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.app.sweep.planner import Planner
from energy_sweep.app.sweep.progress import ProgressPrinter
from energy_sweep.app.sweep.solutions import solutions
from energy_sweep.app.sweep.study_paths import StudyPaths
from energy_sweep.app.sweep.task import Task
from energy_sweep.app.sweep.tracking import Tracker
from energy_sweep.dataset.summary import Summary
from energy_sweep.front import PricedStudy
from energy_sweep.record import (
    BadInput,
    JsonDict,
    Objective,
    StudyRecord,
    TrialResult,
)
from energy_sweep.record.files import write_whole
from energy_sweep.report.tables import tables
from energy_sweep.search import Budget, Job, Outcome, search_study
from energy_sweep.search.budget import LIMITS
from energy_sweep.search.mend import give_up_answers
from energy_sweep.store import StageStore
from energy_sweep.study import Answer, Study, open_study
from energy_sweep.study.address import Address
from energy_sweep.study.paths import MULTIRUN
from energy_sweep.text import terminal
from energy_sweep.trial import load_data


def sweep(
    *,
    context: HydraContext,
    task: TaskFunction,
    config: DictConfig,
    aliases: Mapping[str, Any],
    arguments: Sequence[str],
) -> Outcome:
    """Run the sweep that `arguments` ask for; `task.exit_code` is 1 if a trial failed."""
    if not isinstance(task, Task):
        raise BadInput("this sweeper runs energy_sweep's own trials: type hydra/sweeper=basic")
    task.begun = True
    settings = search_settings(config, aliases)
    loader = context.config_loader
    axes = read_axes(loader, arguments, settings["space"], settings["params"])
    composer = Composer(loader, config, axes)
    whole = composer.whole()
    composer.axes = _without_unused(axes, whole)
    place = StudyPaths.of(whole, composer.axes)
    planner = Planner(
        composer,
        task.builder,
        lambda recipe: task.sessions.get(place.values, recipe.device),
        PlanDemand(composer.axes.space, settings),
    )
    if place.values["study"]["hardware"] == "any":
        place = place.on(planner.corner().device.machine()["device_class"])
    tracker = Tracker.of(place.values)
    points = PointLoader(composer, place.pins)
    launching = Launching.of(context, task, config, points=points, slots=settings["slots"])
    command = SweepCommand(
        planner, task, launching, points, place, settings, tracker, storage_of(whole)
    )
    return command.run(config)


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """One sweep, ready to run."""

    planner: Planner
    task: Task
    launching: Launching
    points: PointLoader
    place: StudyPaths
    settings: JsonDict
    tracker: Tracker
    storage: Address | None

    def run(self, config: DictConfig) -> Outcome:
        """Check, plan, run what is new, and print what was found."""
        check_whole(self.place.folder, self.place.name)
        dry, is_new = bool(self.settings["dry_run"]), not self.place.folder.exists()
        space, outputs = self.planner.axes.space, Path(self.place.values["outputs"])
        check_asked(self.settings, space)
        self.task.patience.doing("reading the data, and trying every value of every axis")
        recipe = self.planner.corner()
        objective = Objective(**self.place.values["objective"])
        said = load_data(recipe.dataset).summary
        self.planner.check()
        self.task.patience.doing("opening the meter")
        session = self.task.sessions.get(self.place.values, recipe.device)
        self.task.patience.over()
        facts: JsonDict = {
            "name": self.place.name,
            "meter": session.meter.facts(),
            "machine": recipe.device.machine(),
            "identity": study_identity(recipe),
        }
        learned = learn_from(self.settings["learn_from"], outputs, space, objective, facts)
        with (
            study_folder(self.place.folder, dry=dry, is_new=is_new) as folder,
            open_study(
                folder,
                space=space,
                **facts,
                waits=self.task.waits,
                limits=dict(self.settings["constraints"] or {}),
                storage=None if dry else self.storage,
            ) as study,
        ):
            if not dry and not study.is_joined:
                self._mend(study, session.store)
                self._write_multirun(config)
            self._tell_data(said, study)
            outcome = self._search(study, session.store, objective, learned)
            record = study.record(session.store.current())
        if not dry:
            self._finish(record, objective, outcome)
        return outcome

    def _mend(self, study: Study, store: StageStore) -> None:
        """Say what was damaged, and put it aside."""
        for line in study.repairs:
            print(terminal.escape(f"mended: {line}"), file=sys.stderr)
        for path in store.put_aside():
            print(f"mended: a damaged stage record is now {path}", file=sys.stderr)
        give_up_answers([t.result for t in study.trials if t.result], store)

    def _tell_data(self, said: Summary, study: Study) -> None:
        """Say what all trials see: in full unless the study has trials of just that."""
        corner, self.task.data_told = self.planner.axes.corner(), True
        swept = {name: value for name, value in corner.items() if name.startswith("dataset")}
        known = study.keep_data(said.document()) and study.trials
        print(data_line(said) if known else data_text(said, swept), flush=True)

    def _search(
        self, study: Study, store: StageStore, objective: Objective, learned: Sequence[Answer]
    ) -> Outcome:
        planner, space = self.planner, self.planner.axes.space

        with ProgressPrinter(
            axes=space.axes,
            meter=study.meter,
            plans=planner.plans,
            objective=objective,
            levels=planner.levels,
            stages=lambda: len(store.records()),
        ) as printer:
            return search_study(
                study,
                store.current,
                space,
                describe=self._describe,
                outline=lambda params: self._with_words(planner.outline(params)),
                look=lambda params: self._with_words(planner.look(params)),
                run=self._run,
                budget=Budget(**{key: self.settings[key] for key in LIMITS}),
                sampler=self.settings["sampler"],
                sampler_settings=self.settings["sampler_settings"],
                seed=self.settings["seed"],
                constraints=typed_constraints(self.settings),
                start=self.settings["start"],
                learned=learned,
                objective=objective,
                slots=self.launching.slots,
                dry=self.settings["dry_run"],
                order=certainty_order(self.settings, planner, store, self._with_words),
                tell=self.tracker.after(printer, study, store.current, objective),
            )

    def _describe(self, params: JsonDict) -> Job:
        """The job of a point, with all the words that it takes to run it alone."""
        return self._with_words(self.planner.describe(params))

    def _with_words(self, job: Job) -> Job:
        return dataclasses.replace(job, overrides=(*job.overrides, *self.place.besides))

    def _run(self, number: int, job: Job) -> TrialResult:
        self.task.branch_epochs = tuple(sorted(self.planner.trunk_epochs))
        own = [word for word in job.overrides if word not in self.place.besides]
        overrides = [*own, *self.place.pins]
        folder = self.points.folder(overrides, number)
        if (owner := self.place.owner(folder)) not in (None, number):
            raise BadInput(
                f"hydra.sweep.subdir gives trial {number} the folder of trial {owner}, {folder}:"
                " type a name that tells them apart, such as"
                " 'hydra.sweep.subdir=trials/${hydra.job.num}'"
            )
        with one_more_attempt(self.place.stages, number, job):
            result = self.launching.run(overrides, number, folder)
        self.place.link(number, folder)
        return result

    def _write_multirun(self, config: DictConfig) -> None:
        whole = config.copy()
        with open_dict(whole):
            whole.stages = self.place.stored_stages
        write_whole(self.place.folder / MULTIRUN, OmegaConf.to_yaml(whole))

    def _finish(self, record: StudyRecord, objective: Objective, outcome: Outcome) -> None:
        priced = PricedStudy(record, objective)
        results = self.place.folder / "optimization_results.yaml"
        write_whole(results, yaml.safe_dump(solutions(priced.front, self.place), sort_keys=False))
        width = terminal.width_of()
        if priced.front or priced.excluded:
            print(terminal.escape(tables(priced, width=width)), end="\n\n")
        self.tracker.put_all(priced)
        best = max((row.accuracy for row in priced.front), default=None)
        words = study_words(self.place.folder, Path(self.place.values["outputs"]))
        print(next_commands(words, best=best, width=width))
        self.task.exit_code = 1 if outcome.failed else 0


def _without_unused(axes: Axes, whole: DictConfig) -> Axes:
    """The axes without the default one of levels, where nothing is compressed."""
    unused = whole.compression.get("name") == "none" and "compression" not in axes.groups
    by_default = any(a.name == LEVEL and a.source == DEFAULT_SPACE for a in axes.space.axes)
    return axes.without(LEVEL) if unused and by_default else axes

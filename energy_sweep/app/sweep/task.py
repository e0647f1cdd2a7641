"""What Hydra runs: one trial, alone or as a job of a sweep."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.build import Builder, resolved
from energy_sweep.app.sweep.ending import keep_signals
from energy_sweep.app.sweep.patience import Patience
from energy_sweep.app.sweep.session import Sessions, TrialSession
from energy_sweep.profile.text import Profiles, preview
from energy_sweep.record import EnergySweepError, JsonDict, Objective, TrialResult, to_json
from energy_sweep.record.notice import Notice
from energy_sweep.record.seal import seal
from energy_sweep.study.paths import RESULT
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.recipe import Recipe

RunTrial = Callable[..., TrialResult]


class Task:
    """Runs a composed configuration and gives its TrialResult as plain values.

    What it opens is kept for the next trial of the process. `run` stands in for `trial.run_trial`;
    `branch_epochs` are the trunk epochs whose weights later trials of the sweep start from; `begun`
    says that Hydra has handed over, so that what goes wrong from then on is no longer hers; `waits`
    has a sweep wait for another of the same study.
    """

    def __init__(self, run: RunTrial | None = None, patience: Patience | None = None) -> None:
        self.builder = Builder()
        self.notice = Notice()
        self.sessions = Sessions(notice=self.notice)
        self.branch_epochs: tuple[int, ...] = ()
        self.begun = False
        self.exit_code = 0
        self.refused: EnergySweepError | None = None
        self.data_told = False
        self.waits = False
        self.patience = patience or Patience()
        self._run = run
        self._profiles = Profiles()

    def __reduce__(self) -> Any:
        """What a launcher's process needs of it: what is open there stays open for the next job."""
        return _remote_task, (self._run, self.branch_epochs)

    def __call__(self, cfg: DictConfig) -> JsonDict | None:
        """Run one trial; what a lone run is refused for is kept, to be said in one line."""
        self.begun, hydra = True, HydraConfig.get()
        folder = Path(hydra.runtime.output_dir)
        # Where the command was typed, also under hydra.job.chdir: paths are relative to that.
        with contextlib.chdir(hydra.runtime.cwd), keep_signals(self.notice):
            if hydra.mode == RunMode.MULTIRUN:
                return to_json(self._trial(resolved(cfg), folder)[0])
            try:
                typed = OmegaConf.to_container(hydra.overrides.task, resolve=False)  # as it was
                self._alone(resolved(cfg), folder, typed=cast("list[str]", typed))
            except EnergySweepError as error:
                self.refused = error
        return None

    def run(self, recipe: Recipe, session: TrialSession) -> TrialResult:
        """Run a recipe in a session, unless the program was asked to end before."""
        run = self._run
        if run is None:
            from energy_sweep.trial import run_trial as run
        shared = {"meter": session.meter, "store": session.store}
        try:
            with self.notice.working():
                return run(recipe, **shared, branch_epochs=self.branch_epochs)
        except SystemExit as ended:  # code of the user's, which ends no sweep and is no success
            raise EnergySweepError(f"a part of the trial ended it by exit({ended.code})") from ended

    def close(self) -> None:
        """Close what the trials opened."""
        self.sessions.close()

    def _trial(self, values: JsonDict, folder: Path) -> tuple[TrialResult, JsonDict]:
        from energy_sweep.front.breakdown import energy_detail
        from energy_sweep.record.files import write_whole

        recipe = self.builder.recipe(values)
        self._tell_data(recipe)  # and refuse it, before anything is opened
        self.patience.doing("opening the meter")
        session = self.sessions.get(values, recipe.device)
        self.patience.over()
        session.store.refresh()
        result = self.run(recipe, session)
        facts, records = session.meter.facts(), session.store.records()
        energy = energy_detail(result, records=records, meter=facts)
        document = seal({**to_json(result), **_number(), "energy": energy})
        write_whole(folder / RESULT, json.dumps(document, indent=2) + "\n")
        if values["profile"] and result.infeasible is None:
            self._profiles.write(recipe, result, folder)
        return result, energy

    def _tell_data(self, recipe: Recipe) -> None:
        """Say what is about to be trained on, once, where our own trials run and load it."""
        if self.data_told or self._run is not None:
            return
        from energy_sweep.app.sweep.dataset_text import data_text
        from energy_sweep.trial import load_data

        self.data_told = True
        self.patience.doing(f"reading the data set {recipe.dataset.name}")
        print(data_text(load_data(recipe.dataset).summary), flush=True)

    def _alone(self, values: JsonDict, folder: Path, *, typed: list[str]) -> None:
        from energy_sweep.app.config.levels import Levels
        from energy_sweep.app.sweep.plan_text import plan_lines
        from energy_sweep.app.sweep.trial_text import alone, detail, origin
        from energy_sweep.trial import plan_record

        recipe = self.builder.recipe(values)
        if searched := [
            text for text in typed if text.lstrip("+").startswith(("search", "track=", "storage="))
        ]:
            said = f"{' '.join(searched)} is for sweeps, and this is one trial: type -m to sweep"
            print(said, file=sys.stderr)
        result, energy = self._trial(values, folder)
        session = self.sessions.get(values, recipe.device)
        objective = Objective(**values["objective"])
        facts, records = session.meter.facts(), session.store.records()
        tried = plan_record(recipe, session.store)
        width = terminal.width_of()
        levels = Levels()
        levels.add(recipe)
        for line in [*plan_lines([tried] if tried is not None else []), *levels.lines()]:
            print(terminal.prose(line, width=width))
        told = alone(result, objective=objective, meter=facts, records=records)
        print(terminal.join_parts(told, width=width))
        for line in filter(None, (origin(result.config), detail(energy))):
            print(terminal.prose(f"  {line}", width=width))
        print(f"  {folder / RESULT}")
        if values["profile"]:
            print(preview(folder))
        if result.infeasible is not None:
            self.exit_code = 1


def result_of(job: JobReturn) -> Any:
    """What a job returned, or its exception, without Hydra's line about it on stderr."""
    with contextlib.redirect_stderr(io.StringIO()):
        return job.return_value


_REMOTE = Sessions()


def _remote_task(run: RunTrial | None, branch_epochs: tuple[int, ...]) -> Task:
    """A task in a process of a launcher, which is not the one that tells what is done."""
    task = Task(run)
    task.sessions, task.branch_epochs, task.data_told = _REMOTE, branch_epochs, True
    task.notice = _REMOTE.notice
    return task


def _number() -> JsonDict:
    """The number of the trial in its study; a lone run has none."""
    hydra = HydraConfig.get()
    return {"trial": int(hydra.job.num)} if hydra.mode == RunMode.MULTIRUN else {}

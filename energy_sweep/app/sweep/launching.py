"""Where the trials of a sweep run: in its own process, or as jobs of one of Hydra's launchers."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psutil
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.composer import PointLoader
from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.sweep.task import Task, result_of
from energy_sweep.hardware.cpu import usable_cores
from energy_sweep.record import BadInput, EnergySweepError, JsonDict, TrialResult, from_json
from energy_sweep.record.files import read_file
from energy_sweep.record.notice import Notice
from energy_sweep.record.seal import Damaged, parse, unseal
from energy_sweep.study.paths import RESULT

HERE = "BasicLauncher"
USUAL_SLOTS = 4  # jobs at a time of a launcher that has no number of its own


def _joblib_slots(config: Any) -> int:
    """As many as joblib's own setting says; negative ones count from the number of cores."""
    jobs = int(config.get("n_jobs", 1))
    return jobs if jobs > 0 else max(1, usable_cores() + 1 + jobs)


# How many jobs each launcher runs at a time, by the name of its class.
LAUNCHERS: dict[str, Callable[[Any], int]] = {
    HERE: lambda config: 1,
    "JoblibLauncher": _joblib_slots,
    "LocalLauncher": lambda config: USUAL_SLOTS,
    "SlurmLauncher": lambda config: USUAL_SLOTS,
    "RayLauncher": lambda config: USUAL_SLOTS,
}
TYPED = "basic|joblib|submitit_local|submitit_slurm|ray"


@dataclasses.dataclass(frozen=True, slots=True)
class Launching:
    """Runs trials through a launcher, so many at a time as there are `slots`."""

    launcher: Launcher
    slots: int
    is_here: bool
    notice: Notice

    @classmethod
    def of(
        cls,
        context: HydraContext,
        task: Task,
        config: DictConfig,
        *,
        points: PointLoader,
        slots: int | None,
    ) -> Launching:
        """The launcher that `hydra/launcher` names; `slots` is the number that was typed."""
        settings = config.hydra.launcher
        kind = str(settings.get("_target_")).rpartition(".")[2]
        if kind not in LAUNCHERS:
            raise BadInput(f"hydra/launcher: type hydra/launcher={TYPED}")
        is_here = kind == HERE
        if is_here and slots not in (None, 1):
            raise BadInput(
                f"search.slots={slots}: one process runs one trial at a time: type"
                " hydra/launcher=joblib as well, or the same command in other windows"
            )
        # A launcher's own processes compose by Hydra's loader; here ours is faster.
        seen = dataclasses.replace(context, config_loader=points) if is_here else context
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=seen, task_function=task, config=config
        )
        if kind == "RayLauncher":
            _start_ray(launcher)
        if not is_here:
            task.notice.end_jobs = _end_children
        return cls(launcher, slots or LAUNCHERS[kind](settings), is_here, task.notice)

    def run(self, overrides: Sequence[str], number: int, folder: Path) -> TrialResult:
        """Run one trial, which writes into `folder`, as the job of its number.

        Ended where the job was, with the program.
        """
        self.notice.check()
        words = list(overrides) if self.is_here else list(expand(overrides))
        try:
            [done] = self.launcher.launch([words], initial_job_idx=number)
        except Exception as error:
            if not self.is_here and (found := _stored(folder)) is not None:
                return found
            self.notice.check()
            raise EnergySweepError(f"its job was lost: {error}") from error
        return from_json(TrialResult, cast(JsonDict, result_of(done)))


def _end_children(first: bool) -> None:
    """Ask the processes of jobs to end, or make them."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.terminate() if first else child.kill()


def _start_ray(launcher: Launcher) -> None:
    """Join or start the cluster once, and here: jobs are launched from threads."""
    ray: Any = importlib.import_module("ray")
    settings: Any = launcher
    if not ray.is_initialized():
        wanted: Any = OmegaConf.to_container(settings.ray_cfg.init, resolve=True)
        ray.init(**wanted)


def _stored(folder: Path) -> TrialResult | None:
    """The result that a job had written before its launcher lost it."""
    try:
        document, is_sealed = unseal(parse(read_file(folder / RESULT).decode()))
        names = {field.name for field in dataclasses.fields(TrialResult)}
        own = {name: value for name, value in document.items() if name in names}
        return from_json(TrialResult, own) if is_sealed else None
    except (OSError, ValueError, TypeError, KeyError, json.JSONDecodeError, Damaged):
        return None

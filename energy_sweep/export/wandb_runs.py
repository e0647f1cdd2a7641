"""Weights & Biases: an offline run for each trial, which only `wandb sync` uploads."""
# Weights & Biases is no dependency.
# pyright: reportMissingImports=false

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from energy_sweep.export.libraries import import_library
from energy_sweep.export.own_folders import fresh, safe_name
from energy_sweep.export.study_figures import StudyFigures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.record import digest

STEPS = ("joules", "uncertainty_joules", "seconds", "loss")


def write(study: StudyFigures, folder: Path) -> str:
    """Write `FOLDER/NAME/wandb/offline-run-*` anew, one for each trial."""
    wandb = import_library("wandb", "wandb", "wandb")
    root = folder / safe_name(study.name)
    fresh(root, "wandb-offline", study.name)
    project = re.sub(r"[/\\#?%:]", "-", study.name)[:128]
    for trial in study.trials:
        settings = wandb.Settings(
            mode="offline",
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            save_code=False,
            x_disable_stats=True,
            x_disable_meta=True,
        )
        run = wandb.init(
            project=project,
            dir=str(root),
            id=run_id(study.name, trial.number),
            name=f"trial {trial.number}",
            group=study.name,
            config={**trial.settings, **trial.params, "energy_sweep": trial.tags},
            settings=settings,
            reinit="finish_previous",
        )
        _tell(run, trial)
        run.finish(exit_code=1 if trial.state == "failed" else 0)
    wandb.teardown()  # which waits until its other process has written all of it
    return f"wandb sync {root / 'wandb'}/offline-run-* (uploads them)"


def run_id(study: str, number: int) -> str:
    """The same for the same trial, so that what is uploaded twice is one run."""
    return digest([study, number])[:16]


def _tell(run: Any, trial: TrialFigures) -> None:
    run.define_metric("epoch")
    run.define_metric("epoch/*", step_metric="epoch")
    for one in trial.epochs:
        steps = {f"epoch/{name}": one[name] for name in STEPS if one.get(name) is not None}
        run.log({"epoch": one["epoch"], **steps})
    run.summary.update(trial.metrics)

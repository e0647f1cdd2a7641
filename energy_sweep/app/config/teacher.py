"""The teacher that `compression.teacher` names: a model of conf/model, or a trial that was run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.config.schema import DIALS
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.documents import read_settings
from energy_sweep.record.seal import Damaged
from energy_sweep.study.paths import trial_config

if TYPE_CHECKING:
    from energy_sweep.trial import Teacher

SETTING = "compression.teacher"
# How one that is trained here is trained: the dial that is typed, and what it is of a `Teacher`.
TRAINING = {"teacher_width": "width", "teacher_epochs": "epochs", "teachers": "members"}


def find_teacher(typed: JsonDict, outputs: Path, *, make: Callable[[JsonDict], Any]) -> Teacher:
    """The teacher that a compression's `typed` settings name, without a name the student's own net
    at full size.

    `make` builds a model part of its settings; BadInput says which names there are.
    """
    from energy_sweep.trial import Teacher
    from energy_sweep.trial.training.pretrained import find

    name = None if typed.get("teacher") is None else str(typed["teacher"])
    training = {field: typed[dial] for dial, field in TRAINING.items() if dial in typed}
    if name is None:
        return Teacher(**training)
    if "/" not in name:
        return Teacher(model=make(_settings_of(name)), **training)
    stored = find(outputs, name, 1.0, setting=SETTING)
    study, _, number = name.rpartition("/")
    path = trial_config(outputs / study, number)
    try:
        settings = read_settings(path)["model"]
    except (OSError, Damaged, KeyError) as error:
        raise BadInput(
            f"{SETTING}={name}: {path}, which says what net that is, cannot be read: type another"
            " trial"
        ) from error
    return Teacher(model=make(_without_dials(settings)), stored=stored, **training)


def _settings_of(name: str) -> JsonDict:
    folder = conf_folder() / "model"
    known = sorted(path.stem for path in folder.glob("*.yaml") if path.stem != "own")
    if name not in known:
        raise BadInput(
            f"{SETTING}={name}: there is no such model: type STUDY/TRIAL of a trial that was run,"
            f" or {SETTING}={'|'.join(known)}"
        )
    return _without_dials(yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")))


def _without_dials(settings: JsonDict) -> JsonDict:
    return {key: value for key, value in settings.items() if key not in DIALS["model"]}

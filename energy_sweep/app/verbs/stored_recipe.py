"""What a stored trial ran with, read as data of somebody else's: only what is typed is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs.untrusted_study import NONSENSE
from energy_sweep.record import BadInput, JsonDict, TrialRecord
from energy_sweep.record.documents import read_settings
from energy_sweep.record.seal import Damaged
from energy_sweep.study.paths import trial_config

if TYPE_CHECKING:
    from energy_sweep.recipe import Recipe


def rebuild_recipe(
    stored: StoredStudy, trial: TrialRecord, *, allow: Sequence[str]
) -> tuple[JsonDict, Recipe]:
    """The resolved configuration of a trial, and its recipe; BadInput where that cannot be."""
    from energy_sweep.app.config import build

    values = _read_values(stored, trial, allow)
    try:
        return values, build.Builder(cure="--allow {package}").recipe(values)
    except NONSENSE as error:
        said = " ".join(f"{type(error).__name__} {error}".split())
        raise BadInput(
            f"{_path(stored, trial)} is damaged ({said}): type another --trial"
        ) from error


def _path(stored: StoredStudy, trial: TrialRecord) -> Path:
    return trial_config(stored.folder, trial.number)


def _read_values(stored: StoredStudy, trial: TrialRecord, allow: Sequence[str]) -> JsonDict:
    """The resolved configuration of a trial, with the packages that the user allows now.

    Its stages are the study's own. Images are neither downloaded nor kept where a stranger says.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from energy_sweep.app.config import build
    from energy_sweep.app.config.interpolations import check_interpolations

    path = _path(stored, trial)
    if not path.is_file():
        raise BadInput(f"{path} is gone, and with it what the trial ran with: type another --trial")
    try:
        settings = {key: value for key, value in read_settings(path).items() if key != "hydra"}
        check_interpolations(settings, path)
        values = build.resolved(OmegaConf.create(settings))
    except (Damaged, OmegaConfBaseException, BadInput, RecursionError) as error:
        why = str(error) if isinstance(error, Damaged) else f"{path} is damaged ({error})"
        raise BadInput(f"{why}: type another --trial") from error
    dataset = values.get("dataset")
    if isinstance(dataset, dict):
        safe = {"cache": "auto", "download": False}
        values["dataset"] = dataset | {key: safe[key] for key in safe.keys() & dataset.keys()}
    return values | {"allow": list(allow), "stages": str(stored.store.root.absolute())}

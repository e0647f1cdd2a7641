"""The settings of a search, also under the names that hydra-optuna-sweeper has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from energy_sweep.record import BadInput, Plain

DIRECTIONS = ["maximize", "minimize"]


def search_settings(config: DictConfig, aliases: Mapping[str, Any]) -> Plain:
    """`search.*` with the aliases taken over; BadInput names ours where there is no equivalent."""
    settings: Plain = OmegaConf.to_container(config.search, resolve=True)  # type: ignore[assignment]
    given = {name: _plain(value) for name, value in aliases.items()}
    _refuse(given)
    settings["params"] = given.get("params") or {}
    if given.get("n_trials") is not None:
        settings["trials"] = _number("n_trials", given["n_trials"])
    sampler = given.get("sampler") or {}
    if sampler.get("name", "auto") != "auto":
        settings["sampler"] = sampler["name"]
    if sampler.get("seed") is not None:
        settings["seed"] = _number("sampler.seed", sampler["seed"])
    return settings


def _refuse(given: Plain) -> None:
    jobs = given.get("n_jobs", 1)
    if jobs not in (1, None):
        raise BadInput(
            f"hydra.sweeper.n_jobs={jobs}: trials run one at a time, since two would be metered"
            " as one; leave it out"
        )
    if given.get("direction") not in (None, DIRECTIONS):
        raise BadInput(
            "hydra.sweeper.direction is always accuracy up and joules down: leave it out, and"
            " type objective=training|inference|lifetime to say which joules"
        )
    if given.get("storage") is not None:
        raise BadInput(
            "hydra.sweeper.storage is the study's own study.db: type outputs=FOLDER or name=NAME"
        )
    if given.get("study_name") is not None:
        raise BadInput(
            f"hydra.sweeper.study_name={given['study_name']}: type name={given['study_name']}"
        )
    if given.get("max_failure_rate") is not None:
        raise BadInput(
            "hydra.sweeper.max_failure_rate: type search.max_failures=3, failures in a row"
        )


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput(f"hydra.sweeper.{name}={value}: type a whole number")
    return value


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value

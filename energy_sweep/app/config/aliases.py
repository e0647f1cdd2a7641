"""The settings of a search, also under the names that hydra-optuna-sweeper has for them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.messages import PLUGINS
from energy_sweep.app.config.schema import given_limits
from energy_sweep.front.constraints import Constraints
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.study.sampler_names import CLASSES

SWEEPER = "hydra.sweeper"
DIRECTIONS = ["maximize", "minimize"]
# By what files in the style of hydra-optuna-sweeper call them.
SAMPLERS = {f"optuna.samplers.{kind}": name for name, kind in CLASSES.items()}
TAKEN = ("n_trials", "n_jobs", "params", "sampler")


def search_settings(config: DictConfig, aliases: Mapping[str, Any]) -> JsonDict:
    """`search.*` with the aliases taken over; BadInput names ours where there is no equivalent.

    `sampler_settings` are those of the sampler, by Optuna's names.
    """
    settings: JsonDict = OmegaConf.to_container(config.search, resolve=True)  # type: ignore[assignment]
    given = {name: _plain(value) for name, value in aliases.items()}
    given = _without_null(given)
    for name, value in given.items():
        _refuse(name, value)
    if settings["constraints"] is not None:
        settings["constraints"] = given_limits(settings["constraints"])
    settings["params"] = _params(given.get("params"))
    if "n_trials" in given:
        settings["trials"] = _number("n_trials", given["n_trials"])
    _take_sampler(settings, given.get("sampler") or {})
    return settings


def typed_constraints(settings: JsonDict) -> Constraints | None:
    """The constraints that were typed; None where none were, so that those of the study hold."""
    typed = settings["constraints"]
    return None if typed == {} else Constraints.of(typed or {})


def check_sweeper(target: object) -> None:
    """Raise BadInput for a sweeper of Optuna's that a file names in place of ours."""
    if "optuna" in str(target).lower():
        raise BadInput(
            f"{SWEEPER}._target_={target} knows nothing of stages and joules: type"
            f" hydra/sweeper=energy_sweep {SWEEPER}._target_={PLUGINS['sweeper']}, which reads the"
            " same settings"
        )


def _take_sampler(settings: JsonDict, sampler: JsonDict) -> None:
    from energy_sweep.study import check_settings

    sampler = _without_null(sampler)
    name, target = sampler.pop("name", "auto"), sampler.pop("_target_", None)
    if target is not None and target not in SAMPLERS:
        raise BadInput(
            f"{SWEEPER}.sampler._target_={target} is none of ours: type"
            f" {SWEEPER}.sampler._target_={'|'.join(SAMPLERS)}"
        )
    if target is not None or name != "auto":
        settings["sampler"] = SAMPLERS[target] if target is not None else name
    if "seed" in sampler:
        settings["seed"] = _number("sampler.seed", sampler.pop("seed"))
    check_settings(settings["sampler"], sampler)
    settings["sampler_settings"] = sampler


def _refuse(name: str, value: Any) -> None:
    if name in TAKEN and (name != "n_jobs" or value == 1):
        return
    if name.startswith("direction") and value == DIRECTIONS:
        return
    if name in REFUSALS:
        raise BadInput(f"{SWEEPER}.{name}{REFUSALS[name](value)}")
    near = difflib.get_close_matches(name, [*TAKEN, *REFUSALS], n=1)
    hint = f"did you mean {SWEEPER}.{near[0]}? If not, " if near else ""
    raise BadInput(
        f"{SWEEPER}.{name} is read by nothing: {hint}leave it out, and type search.trials, .joules,"
        " .seconds, .sampler, .seed or .max_failures for what there is"
    )


def _direction(value: Any) -> str:
    del value
    return (
        " is always accuracy up and joules down: leave it out, or type"
        f" {SWEEPER}.direction=null; objective=training|inference|lifetime says which joules"
    )


def _space(value: Any) -> str:
    """What to type for a space in the form that hydra-optuna-sweeper had before `params`."""
    words = [f"'{name}={_expression(one)}'" for name, one in dict(value).items()]
    return f" is gone from Hydra too: leave it out, and type {' '.join(words)}"


def _expression(axis: Any) -> str:
    if not isinstance(axis, Mapping):
        return str(axis)
    if "choices" in axis:
        return f"choice({','.join(map(str, axis['choices']))})"
    low, high = axis.get("low", "LOW"), axis.get("high", "HIGH")
    if axis.get("step") is not None:
        return f"range({low},{high},{axis['step']})"
    interval = f"interval({low},{high})"
    whole = f"int({interval})" if axis.get("type") == "int" else interval
    return f"tag(log,{whole})" if axis.get("log") else whole


# Each by what follows the name of the setting: why it is refused, and what to type.
REFUSALS: dict[str, Callable[[Any], str]] = {
    "n_jobs": lambda value: (
        f"={value}: trials run one at a time, since two would be metered as one; leave it out"
    ),
    "direction": _direction,
    "directions": _direction,
    "storage": lambda value: (
        ": type storage=postgresql://USER@HOST/DATABASE, without hydra.sweeper"
        if str(value).startswith("postgres")
        else " is the study's own study.db: type outputs=FOLDER or name=NAME"
    ),
    "study_name": lambda value: f"={value}: type name={value}",
    "max_failure_rate": lambda _: ": type search.max_failures=3, failures in a row",
    "search_space": _space,
    "custom_search_space": lambda value: (
        f"={value}: a space is made of axes: type them, such as 'lr=tag(log,interval(0.01,0.5))'"
    ),
}


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput(f"{SWEEPER}.{name}={value}: type a whole number")
    return value


def _without_null(settings: JsonDict) -> JsonDict:
    return {name: value for name, value in settings.items() if value is not None}


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _params(given: Any) -> JsonDict:
    """Axes under the name that hydra-optuna-sweeper has for them; BadInput where they are none."""
    if given is not None and not isinstance(given, dict):
        raise BadInput(
            f"hydra.sweeper.params={given}: type each axis by itself, such as 'lr=choice(0.01,0.1)'"
        )
    return given or {}

"""Optuna's samplers under our names, with their settings, and what each asks of a space."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import optuna
from optuna.samplers import BaseSampler

from energy_sweep.record import BadInput
from energy_sweep.study.sampler_names import CLASSES, SAMPLERS
from energy_sweep.study.space import Axis, Space

SETTINGS = "hydra.sweeper.sampler"  # where settings of a sampler are typed

KINDS: dict[str, Callable[..., BaseSampler]] = {
    name: getattr(optuna.samplers, kind) for name, kind in CLASSES.items() if name != "grid"
}
# What we set where nothing is typed. A population of 50, Optuna's, is random search on our budgets;
# a sequence that is not scrambled begins at the corner of the space, and is the same for all seeds.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "tpe": {"multivariate": True},
    "nsgaii": {"population_size": 8},
    "nsgaiii": {"population_size": 8},
    "qmc": {"scramble": True},
}
# What Optuna takes and cannot do here, or does not do any more.
REFUSED = {
    "with_margin": "notes more of a trial than a study keeps",
    "restart_strategy": "is gone from Optuna",
}
# By the types that Optuna declares: those of the values that it takes.
WORDS = {"int": ("int",), "bool": ("bool",), "float": ("float", "int"), "str": ("str",)}


def make(name: str, seed: int, settings: Mapping[str, Any]) -> BaseSampler:
    """Optuna's sampler of that name; BadInput where there is none."""
    if name not in KINDS:
        raise BadInput(f"search.sampler={name}: type search.sampler=auto|{'|'.join(SAMPLERS)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental in Optuna, or goes in its next
        return KINDS[name](seed=seed, **{**USUAL.get(name, {}), **settings})


def check_settings(sampler: str, settings: Mapping[str, Any]) -> None:
    """Raise BadInput for a setting that the sampler does not have, or cannot have as it is."""
    if sampler == "auto" and settings:
        raise BadInput(
            f"{SETTINGS}.{min(settings)} is no setting of sampler auto, which is ours and has none:"
            " type hydra/sweeper/sampler=tpe beside it, or another of Optuna's"
        )
    signed = inspect.signature(KINDS[sampler]).parameters if sampler in KINDS else {}
    kinds = {name: str(one.annotation).split(" | ")[0] for name, one in signed.items()}
    known = {name: kind for name, kind in kinds.items() if kind in WORDS and name != "seed"}
    for name, value in settings.items():
        if name in REFUSED and name in known and value is not False:
            raise BadInput(f"{SETTINGS}.{name} {REFUSED[name]}: leave it out")
        if name not in known:
            have = f"one of {', '.join(known)}" if known else "none, since it has none"
            raise BadInput(f"{SETTINGS}.{name} is no setting of sampler {sampler}: type {have}")
        if type(value).__name__ not in WORDS[known[name]]:
            word = WORDS[known[name]][0]
            raise BadInput(f"{SETTINGS}.{name}={value}: type {'a word' if word == 'str' else word}")
    if settings:
        _check_values(sampler, settings)


def _check_values(sampler: str, settings: Mapping[str, Any]) -> None:
    """Raise BadInput in Optuna's words for a value that it refuses."""
    try:
        make(sampler, 0, settings)
    except ValueError as error:
        typed = " ".join(f"{SETTINGS}.{name}={value}" for name, value in settings.items())
        raise BadInput(f"{typed}: {' '.join(str(error).replace('`', '').split())}") from error


def check_space(sampler: str, space: Space) -> None:
    """Raise BadInput for an axis that the sampler cannot go along, naming it."""
    if sampler == "grid":
        _check_grid(space)
    if sampler == "cmaes":
        _check_cmaes(space)


def _check_grid(space: Space) -> None:
    for axis in space.axes:
        if axis.values is None:
            raise BadInput(
                f"search.sampler=grid: {axis.name} is an interval, which has no grid: type its"
                f" values, such as {axis.name}={axis.low:g},{axis.high:g}, or another sampler"
            )


def _check_cmaes(space: Space) -> None:
    for axis in space.axes:
        if _varies(axis) and not axis.is_numeric:
            raise BadInput(
                f"search.sampler=cmaes goes along numbers, and {axis.name} is"
                f" {', '.join(map(str, axis.values or ()))}: type one value for {axis.name}, or"
                " search.sampler=gp"
            )
    varying = [axis.name for axis in space.axes if _varies(axis)]
    if len(varying) < 2:
        raise BadInput(
            "search.sampler=cmaes takes two axes of numbers or more, and"
            f" {'none' if not varying else varying[0]} is swept: type another sampler"
        )
    if find_spec("cmaes") is None:
        raise BadInput(
            "search.sampler=cmaes takes a package that is not installed: type pip install cmaes,"
            " or search.sampler=gp"
        )


def _varies(axis: Axis) -> bool:
    return axis.values is None or len(axis.values) > 1

"""The next parameters to try, as a pure function of what is known."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from energy_sweep.record import BadInput, JsonDict, digest
from energy_sweep.study.space import Axis, Space

KINDS: dict[str, Callable[..., BaseSampler]] = {"tpe": TPESampler, "random": RandomSampler}
SAMPLERS = tuple(KINDS)
SETTINGS = "hydra.sweeper.sampler"  # where settings of a sampler are typed

# By the types that Optuna declares: those of the values that it takes.
WORDS = {"int": ("int",), "bool": ("bool",), "float": ("float", "int")}

# Parameters, accuracy, joules; an infeasible trial has neither accuracy nor joules.
Answer = tuple[JsonDict, float | None, float | None]


def suggest(
    answers: Sequence[Answer],
    space: Space,
    *,
    sampler: str,
    seed: int,
    number: int,
    attempt: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> JsonDict:
    """What the sampler, with its own `settings`, would try as trial `number`, after these answers.

    The sampler lives in a study that is thrown away, seeded by its arguments alone: a resumed
    sweep asks what an uninterrupted one would have asked. Answers outside the space are left out.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=_sampler(sampler, int(digest([seed, number, attempt])[:8], 16), settings or {}),
    )
    distributions = {axis.name: _distribution(axis) for axis in space.axes}
    if sampler != "random":
        inside = [answer for answer in answers if space.contains(answer[0])]
        study.add_trials([_trial(answer, space, distributions) for answer in inside])
    asked = study.ask(distributions).params
    return {axis.name: _typed(axis, asked[axis.name]) for axis in space.axes}


def check_settings(sampler: str, settings: Mapping[str, Any]) -> None:
    """Raise BadInput for a setting that the sampler does not have, or cannot have as it is."""
    chosen = "tpe" if sampler == "auto" else sampler
    signed = inspect.signature(KINDS[chosen]).parameters if chosen in KINDS else {}
    kinds = {name: str(one.annotation).split(" | ")[0] for name, one in signed.items()}
    known = {name: kind for name, kind in kinds.items() if kind in WORDS and name != "seed"}
    for name, value in settings.items():
        if name not in known:
            have = f"one of {', '.join(known)}" if known else "none, since it has none"
            raise BadInput(f"{SETTINGS}.{name} is no setting of sampler {chosen}: type {have}")
        if type(value).__name__ not in WORDS[known[name]]:
            raise BadInput(f"{SETTINGS}.{name}={value}: type {WORDS[known[name]][0]}")


def _sampler(name: str, seed: int, settings: Mapping[str, Any]) -> BaseSampler:
    if name not in KINDS:
        raise BadInput(f"search.sampler={name}: type search.sampler=auto|{'|'.join(SAMPLERS)}")
    usual = {"multivariate": True} if name == "tpe" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental in Optuna, or goes in its next
        return KINDS[name](seed=seed, **{**usual, **settings})


def _trial(answer: Answer, space: Space, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    params, accuracy, joules = answer
    values = None if accuracy is None or joules is None else [accuracy, joules]
    return create_trial(
        state=TrialState.PRUNED if values is None else TrialState.COMPLETE,
        values=values,
        params={axis.name: _internal(axis, params[axis.name]) for axis in space.axes},
        distributions=distributions,
    )


def _distribution(axis: Axis) -> BaseDistribution:
    """Typed values are choices by position, since a sampler needs no order among a few values."""
    if axis.values is not None:
        return _positions(len(axis.values))
    low, high = axis.low or 0.0, axis.high or 0.0
    if axis.integer:
        return IntDistribution(int(low), int(high), log=axis.log)
    return FloatDistribution(float(low), float(high), log=axis.log)


@functools.cache
def _positions(count: int) -> CategoricalDistribution:
    return CategoricalDistribution(tuple(range(count)))


def _internal(axis: Axis, value: Any) -> Any:
    if axis.values is not None:
        return axis.position(value)
    return int(value) if axis.integer else float(value)


def _typed(axis: Axis, value: Any) -> Any:
    return value if axis.values is None else axis.values[value]

"""Optuna's samplers as they are, over the axes of a world: no stage is shared."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from benchmarks.search.runs import Policy, Run
from energy_sweep.study.space import Axis, is_number

TRIES = 40  # asks in a row that are repeats, after which a run gives up


def sampled(name: str, *, ordinal: bool = True) -> Policy:
    """A policy that asks a sampler for the next point, and tells accuracy and log joules.

    Numbers are told by their order if `ordinal`, else as categories, as Hydra's plug-in does.
    """

    def policy(run: Run) -> Iterator[None]:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(
                directions=["maximize", "minimize"], sampler=_sampler(name, run.seed)
            )
            axes = run.world.space.axes
            space = {axis.name: _distribution(axis, ordinal) for axis in axes}
            repeats = 0
            while repeats < TRIES:
                trial = study.ask(space)
                point = tuple(axis.values[trial.params[axis.name]] for axis in axes)  # type: ignore
                index = run.world.index[point]
                repeats = repeats + 1 if run.answered[index] else 0
                accuracy = run.measure(index)
                study.tell(trial, [accuracy, float(run.world.cost[index])])
                yield

    return policy


def _distribution(axis: Axis, ordinal: bool) -> BaseDistribution:
    """Over the positions of an axis' values."""
    assert axis.values is not None
    if ordinal and all(map(is_number, axis.values)):
        return IntDistribution(0, len(axis.values) - 1)
    return CategoricalDistribution(range(len(axis.values)))


def _sampler(name: str, seed: int) -> Any:
    samplers = optuna.samplers
    made = {
        "tpe": lambda: samplers.TPESampler(seed=seed),
        "tpe_multivariate": lambda: samplers.TPESampler(seed=seed, multivariate=True),
        "gp": lambda: samplers.GPSampler(seed=seed),
        "nsgaii": lambda: samplers.NSGAIISampler(seed=seed, population_size=10),
        "plugin": lambda: samplers.TPESampler(
            seed=seed, multivariate=False, constant_liar=False, n_startup_trials=10
        ),
    }
    return made[name]()

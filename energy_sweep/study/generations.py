"""Answers as the generations of a sampler that breeds, in a study that is made anew at each ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial


def generations(count: int, *, first: int, size: int) -> list[range]:
    """Which of so many answers, in their order, are of which generation: `first` many, then `size`.

    The last one is being filled, and may be empty.
    """
    starts = [0, *range(first, count + 1, size)]
    return [range(*ends) for ends in zip(starts, [*starts[1:], count], strict=True)]


def tell_in_generations(
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    parts: Sequence[range],
    *,
    sampler: Callable[[int], BaseSampler],
    distributions: dict[str, BaseDistribution],
) -> None:
    """Put trials into a study as if the sampler had asked for them, one generation after another.

    Optuna notes in each trial that it asks for which generation that is and, of CMA-ES, what was
    learnt by then; without these notes all generations would be the first, which is random. So one
    trial is asked for at the start of each, by `sampler(generation)`, and dropped: its notes are
    those of the generation. Parents chosen then are kept by the study.
    """
    for generation, part in enumerate(parts):
        study.sampler = sampler(generation)
        asked = study.ask(distributions)
        notes = study.get_trials(deepcopy=False)[asked.number].system_attrs
        study.tell(asked, state=TrialState.FAIL)
        study.add_trials([_noted(trials[index], notes) for index in part])


def _noted(trial: FrozenTrial, notes: Mapping[str, Any]) -> FrozenTrial:
    return create_trial(
        values=trial.values,
        params=trial.params,
        distributions=trial.distributions,
        system_attrs={**notes, **trial.system_attrs},
    )


def cmaes_population(dimensions: int) -> int:
    """How many are of one generation of CMA-ES by default (Hansen 2016)."""
    return 4 + math.floor(3 * math.log(max(1, dimensions)))

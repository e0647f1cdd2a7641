"""The next parameters to try, as a pure function of what is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from energy_sweep.record import JsonDict, digest
from energy_sweep.study.coding import Coding
from energy_sweep.study.generations import cmaes_population, generations, tell_in_generations
from energy_sweep.study.sampler_names import BREEDING
from energy_sweep.study.samplers import USUAL, make
from energy_sweep.study.scalar import scalars
from energy_sweep.study.space import Space

NOWHERE: Mapping[str, float] = MappingProxyType({})


class Answer(NamedTuple):
    """What is known of a point; an infeasible trial has neither accuracy nor joules.

    `violations` say by the name of each constraint how far it is outside; at most 0 is inside.
    """

    params: JsonDict
    accuracy: float | None = None
    joules: float | None = None
    violations: Mapping[str, float] = NOWHERE


BOTH = ("maximize", "minimize")
ROUNDS = 20  # times as many points as a finite space has, until few of a sequence are new
MOST_IN_ORDER = 100_000
CHOICES = ("tpe", "random")  # all others are told numbers in their order


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
    sweep asks what an uninterrupted one would have asked. Answers outside the space are left out,
    and those that have accuracies alone.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    coding, given = Coding(space, ordered=sampler not in CHOICES), dict(settings or {})
    inside = [one for one in answers if sampler != "random" and _is_of_use(one, space)]
    mine = int(digest([seed, number, attempt])[:8], 16)
    if sampler in BREEDING:
        study = _bred(inside, coding, sampler, seed=seed, settings=given)
    else:
        study = optuna.create_study(directions=BOTH)
        study.add_trials(_trials(inside, coding, worst=sampler != "tpe"))
    study.sampler = make(sampler, mine, given)
    return coding.point(study.ask(coding.distributions).params)


def in_order(
    sampler: str, space: Space, *, seed: int, settings: Mapping[str, Any] | None = None
) -> Iterator[JsonDict]:
    """The points that a sampler without memory goes through, in its order.

    A grid has each point once, as typed. QMC comes to some points again, and ends where new ones
    have become rare.
    """
    if sampler == "grid":
        yield from space.grid()
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    coding = Coding(space, ordered=True)
    made = make(sampler, int(digest([seed])[:8], 16), settings or {})
    study = optuna.create_study(sampler=made)
    # The first trial is by lot, and tells the sampler no more than the parameters there are.
    study.tell(study.ask(coding.distributions), 0.0)
    for _ in range(int(min(MOST_IN_ORDER, ROUNDS * space.count))):
        yield coding.point(study.ask(coding.distributions).params)


def _bred(
    answers: Sequence[Answer],
    coding: Coding,
    sampler: str,
    *,
    seed: int,
    settings: dict[str, Any],
) -> optuna.Study:
    """A study of the answers as generations; `settings` get the size of one where they lack it."""
    distributions = coding.distributions
    if sampler == "cmaes":
        varying = sum(not one.single() for one in distributions.values())
        size = settings.setdefault("popsize", cmaes_population(varying))
        parts = generations(len(answers), first=settings.get("n_startup_trials", 1), size=size)
        outcomes = [(one.accuracy, one.joules, _outside(one)) for one in answers]
        values = scalars(outcomes, parts, seed=seed)
        study = optuna.create_study()
        trials = [
            _trial(one.params, [value], coding) for one, value in zip(answers, values, strict=True)
        ]
    else:
        size = settings.get("population_size", USUAL[sampler]["population_size"])
        parts = generations(len(answers), first=size, size=size)
        study = optuna.create_study(directions=BOTH)
        trials = _trials(answers, coding, worst=True)
    tell_in_generations(
        study,
        trials,
        parts,
        sampler=lambda part: make(sampler, int(digest([seed, part])[:8], 16), settings),
        distributions=distributions,
    )
    return study


def _trials(answers: Sequence[Answer], coding: Coding, *, worst: bool) -> list[FrozenTrial]:
    """Answers as finished trials of two objectives.

    What is infeasible has no values, which only TPE learns from; the others are told the `worst`
    that is known of each. It breaks every constraint that the others are told of.
    """
    known = [one for one in answers if one.accuracy is not None and one.joules is not None]
    last = [
        min((one.accuracy or 0.0 for one in known), default=0.0),
        max((one.joules or 0.0 for one in known), default=1.0),
    ]
    broken = dict.fromkeys([name for one in known for name in one.violations], 1.0)
    trials = list[FrozenTrial]()
    for params, accuracy, joules, violations in answers:
        if accuracy is None or joules is None:
            trials.append(_trial(params, last if worst else None, coding, broken))
        else:
            trials.append(_trial(params, [accuracy, joules], coding, violations))
    return trials


def _is_of_use(answer: Answer, space: Space) -> bool:
    return space.contains(answer.params) and (answer.accuracy is None) == (answer.joules is None)


def _outside(answer: Answer) -> float:
    return math.fsum(max(0.0, over) for over in answer.violations.values())


def _trial(
    params: JsonDict,
    values: list[float] | None,
    coding: Coding,
    violations: Mapping[str, float] = NOWHERE,
) -> FrozenTrial:
    return create_trial(
        state=TrialState.PRUNED if values is None else TrialState.COMPLETE,
        values=values,
        params=coding.parameters(params),
        distributions=coding.distributions,
        constraints=dict(violations) or None,
    )

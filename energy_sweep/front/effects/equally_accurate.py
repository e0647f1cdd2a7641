"""Which configurations are surely as accurate as is asked, and which perhaps are.

Either an accuracy is asked, or that of another configuration but for a margin. The latter are tests
of non-inferiority, matched by seed; together they are wrong about any configuration in at most
2.5 % of studies (Holm), so that the cheapest that passes may be picked from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.effects.accuracy_effect import accuracy_effect
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.runs import MeasuredRun, runs_of, seed_of
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import JsonDict, digest
from energy_sweep.uncertainty.contrasts import non_inferiority
from energy_sweep.uncertainty.effect_sizes import holm

SURE = 0.025  # one-sided

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideReference:
    """Whether one configuration is less accurate than the reference by the margin or more.

    `change` is its accuracy minus that of the reference; its interval holds at 95 % together with
    those of all others, and so does `p_value`, that it is worse by the margin.
    """

    change: float
    low: float
    high: float
    p_value: float
    test: str
    n: int

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {
            "accuracy_change": self.change,
            "interval": [self.low, self.high],
            "p_holm": self.p_value,
            "test": self.test,
            "n": self.n,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class EquallyAccurate:
    """By place among the priced configurations: surely, and perhaps as accurate as is asked.

    `beside` is each beside the reference, where there is one and seeds match.
    """

    surely: Flags
    perhaps: Flags
    reference: int | None = None
    beside: Sequence[BesideReference | None] = ()


def reaching(priced: PricedStudy, accuracy: float) -> EquallyAccurate:
    """Of at least an accuracy, by joint draws in which luck is taken out (`doubt.py`)."""
    share = (priced.beliefs.accuracies >= accuracy).mean(axis=0)
    return EquallyAccurate(surely=share >= 1 - SURE, perhaps=share > SURE)


def non_inferior(priced: PricedStudy, reference: int, margin: float) -> EquallyAccurate:
    """Not less accurate than the configuration at a place by `margin` or more."""
    groups = _runs_by_place(priced)
    found = [
        None if place == reference else _effect(groups[reference], runs)
        for place, runs in enumerate(groups)
    ]
    tested = [place for place, one in enumerate(found) if one is not None]
    worse = [non_inferiority(one.contrast, margin) for one in found if one is not None]
    not_worse = dict(zip(tested, holm(worse), strict=True))
    surely_worse = dict(zip(tested, holm([1 - p_value for p_value in worse]), strict=True))
    every = range(len(groups))
    return EquallyAccurate(
        surely=np.array([p == reference or not_worse.get(p, 1.0) < SURE for p in every]),
        perhaps=np.array([surely_worse.get(p, 1.0) >= SURE for p in every]),
        reference=reference,
        beside=[
            None if one is None else _beside(one, not_worse[place], len(tested))
            for place, one in enumerate(found)
        ],
    )


def most_accurate(priced: PricedStudy) -> int:
    """The place of the configuration of the highest accuracy, the cheapest of several."""
    rows = priced.rows
    return max(range(len(rows)), key=lambda place: (rows[place].accuracy, -rows[place].joules))


def accuracy_between(priced: PricedStudy, first: int, second: int) -> Effect | None:
    """The accuracy of the second of two places beside the first; None without a seed of both."""
    groups = _runs_by_place(priced)
    return _effect(groups[first], groups[second])


def _runs_by_place(priced: PricedStudy) -> list[list[MeasuredRun]]:
    runs = defaultdict[str, list[MeasuredRun]](list)
    for run in runs_of({priced.study.name: priced}).runs:
        runs[digest(run.result.config)].append(run)
    return [runs[one.key] for one in priced.priced]


def _effect(first: Sequence[MeasuredRun], second: Sequence[MeasuredRun]) -> Effect | None:
    """The accuracy of runs of the second beside those of the first of the same seed."""
    known = {seed_of(run): run for run in reversed(first)}
    pairs = {seed_of(run): (known[seed_of(run)], run) for run in second if seed_of(run) in known}
    return accuracy_effect(list(pairs.values()), ("configuration", "", ""), ())


def _beside(one: Effect, p_value: float, tests: int) -> BesideReference:
    found = one.contrast
    half = found.errors.half(1 - 2 * SURE / tests)
    return BesideReference(
        change=found.change,
        low=min(found.low, found.change - half),
        high=max(found.high, found.change + half),
        p_value=p_value,
        test=found.test,
        n=found.n,
    )

"""Samplers that breed learn in a study that is made anew at each ask."""

from __future__ import annotations

import math
from importlib.util import find_spec
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.study.generations import generations
from energy_sweep.study.samplers import USUAL
from energy_sweep.study.scalar import WORST, scalars
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.suggest import Answer, suggest

SPACE = Space(
    (
        Axis(name="lr", low=1e-4, high=1.0, log=True),
        Axis(name="epochs", low=1, high=64, integer=True),
        Axis(name="width", values=(1, 2, 4, 8, 16)),
    )
)
SIZE = USUAL["nsgaii"]["population_size"]


def outcome(point: dict[str, Any]) -> tuple[float, float]:
    """One best rate for all nets; the front is where it is met."""
    off = (math.log10(point["lr"]) + 2) ** 2
    learnt = 1 - math.exp(-point["epochs"] * point["width"] / 60)
    return learnt * math.exp(-off), point["epochs"] * point["width"]


def asked(sampler: str, count: int, seed: int) -> list[dict[str, Any]]:
    answers = list[Answer]()
    for number in range(count):
        point = suggest(answers, SPACE, sampler=sampler, seed=seed, number=number)
        answers.append(Answer(point, *outcome(point)))
    return [answer[0] for answer in answers]


def rates(points: list[dict[str, Any]]) -> list[float]:
    return [point["lr"] for point in points]


def off(points: list[dict[str, Any]]) -> float:
    """How far from the best rate points are, in powers of ten."""
    return mean(abs(math.log10(rate) + 2) for rate in rates(points))


@pytest.mark.no_cover
@pytest.mark.parametrize("sampler", ["nsgaii", "nsgaiii", "cmaes"])
def test_later_generations_are_not_random_and_are_better(sampler: str) -> None:
    if sampler == "cmaes" and find_spec("cmaes") is None:
        pytest.skip("the package cmaes is not installed")
    searches = [asked(sampler, 6 * SIZE, seed) for seed in range(8)]
    by_lot = [asked("random", 6 * SIZE, seed) for seed in range(8)]
    for points, others in zip(searches, by_lot, strict=True):
        assert not set(rates(points[SIZE:])) <= set(rates(others[SIZE:]))
    first = mean(off(points[:SIZE]) for points in by_lot)
    assert mean(off(points[-2 * SIZE :]) for points in searches) < 0.75 * first
    assert mean(off(points[-2 * SIZE :]) for points in by_lot) > 0.75 * first


def test_the_first_generation_is_by_lot() -> None:
    assert rates(asked("nsgaii", SIZE, 0)) == rates(asked("random", SIZE, 0))


@pytest.mark.no_cover
def test_children_have_what_their_parents_have() -> None:
    """A generation takes most values from the one before it; by lot, rates are never met again."""
    found = rates(asked("nsgaii", 4 * SIZE, 1))
    inherited = sum(rate in found[:index] for index, rate in enumerate(found))
    assert inherited > SIZE


@given(count=st.integers(0, 200), first=st.integers(1, 9), size=st.integers(1, 9))
def test_generations_are_whole_but_for_the_last(count: int, first: int, size: int) -> None:
    parts = generations(count, first=first, size=size)
    assert [index for part in parts for index in part] == list(range(count))
    whole = [len(part) for part in parts[:-1]]
    assert whole == [first, *[size] * (len(parts) - 2)][: len(whole)]
    assert len(parts[-1]) < (first if len(parts) == 1 else size)


outcomes = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e6)), min_size=1, max_size=12)


@given(found=outcomes, seed=st.integers(0, 9))
def test_what_dominates_has_the_lower_value(found: list[tuple[float, float]], seed: int) -> None:
    values = scalars(
        [*((*one, 0.0) for one in found), (None, None, 0.0)], [range(len(found) + 1)], seed=seed
    )
    assert values[-1] == WORST > max(values[:-1])
    for (accuracy, joules), value in zip(found, values[:-1], strict=True):
        assert all(
            value <= other + 1e-9
            for (worse, dearer), other in zip(found, values[:-1], strict=True)
            if accuracy >= worse and joules <= dearer
        )


def test_what_is_outside_of_constraints_is_above_what_is_inside() -> None:
    found = [(0.1, 9.0, 0.0), (1.0, 1.0, 0.2), (1.0, 1.0, 5.0), (None, None, 0.0)]
    values = scalars(found, [range(4)], seed=0)
    assert values == sorted(values)
    assert len(set(values)) == 4


def test_generations_weigh_accuracy_and_joules_differently() -> None:
    found = [(1.0, 10.0, 0.0), (0.0, 1.0, 0.0)] * 8
    values = scalars(found, [range(2 * part, 2 * part + 2) for part in range(8)], seed=0)
    prefers = {values[2 * part] < values[2 * part + 1] for part in range(8)}
    assert prefers == {True, False}

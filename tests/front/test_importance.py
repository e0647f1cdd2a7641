from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.importance import (
    Explained,
    Floats,
    Importance,
    is_grid,
    main_effects,
    ordered_values,
)
from energy_sweep.record import Objective

TRAINING = Objective(name="training")


def grid_points(*counts: int) -> np.ndarray:
    return np.array(list(itertools.product(*map(range, counts))))


def test_of_a_sum_each_axis_explains_the_variance_of_its_own_term() -> None:
    points = grid_points(3, 4, 2)
    terms = [np.array([0.0, 1.0, 5.0]), np.array([0.0, 2.0, 1.0, 7.0]), np.array([0.0, 3.0])]
    total = sum(term[column] for term, column in zip(terms, points.T, strict=True))
    [shares] = main_effects(points, np.array([total]))
    own = [term.var() for term in terms]
    assert shares == pytest.approx([one / sum(own) for one in own])
    assert shares.sum() == pytest.approx(1)


def test_what_axes_do_together_is_explained_by_none_alone() -> None:
    points = grid_points(2, 2)
    [shares] = main_effects(points, np.array([[1.0, 0.0, 0.0, 1.0]]))
    assert shares == pytest.approx([0, 0])


def test_a_grid_has_every_combination_once() -> None:
    points = grid_points(3, 2, 2)
    assert is_grid(points)
    assert not is_grid(points[1:])
    assert not is_grid(np.concatenate([points, points[:1]]))


def test_values_are_ordered_as_numbers_and_equal_ones_are_one() -> None:
    assert ordered_values([10, 2, 2.0, 0.5, None, "b", True]) == [
        *("0.5", "2", "10"),
        *("True", "b", "null"),
    ]


def importance_of(priced: PricedStudy) -> Importance:
    found = priced.importance
    assert found is not None
    return found


def test_a_study_is_explained_as_the_means_of_its_rows_say() -> None:
    priced = PricedStudy(toy_study.grid(), TRAINING)
    found = importance_of(priced)
    assert found.is_exact
    assert found.configurations == len(priced.rows) == 24
    for axis, by_target in found.axes.items():
        for target, value in (
            ("accuracy", lambda r: r.accuracy),
            ("joules", lambda r: math.log(r.joules)),
        ):
            groups: dict[object, list[float]] = {}
            for row in priced.rows:
                groups.setdefault(row.params[axis], []).append(value(row))
            means = [statistics.fmean(group) for group in groups.values()]
            whole = statistics.pvariance([value(row) for row in priced.rows])
            share = by_target[target]
            assert share.share == pytest.approx(statistics.pvariance(means) / whole, abs=1e-9)
            assert share.low <= share.share <= share.high
    assert found.first("joules") in ("batch", "epochs")
    left = found.together["joules"]
    assert left + sum(one["joules"].share for one in found.axes.values()) == pytest.approx(1)


def test_a_grid_with_holes_asks_a_forest_and_says_nothing_without_one() -> None:
    study = toy_study.grid(rates=(0.001, 0.01, 10.0))  # the last diverges
    keys = [trial for trial in study.trials if trial.number != 0]
    holed = toy_study.study(keys, list(study.stages.values()))
    assert PricedStudy(holed, TRAINING).importance is None
    asked: list[tuple[tuple[int, ...], list[bool]]] = []

    def forest(codes: np.ndarray, words: list[bool], targets: Floats) -> list:
        asked.append((codes.shape, list(words)))
        return [[(0.2, 0.1, 0.3)] * codes.shape[1] for _ in targets]

    found = importance_of(PricedStudy(holed, TRAINING, forest=forest))
    assert not found.is_exact
    assert asked == [((15, 4), [False] * 4)]
    assert all(one["accuracy"].share == 0.2 for one in found.axes.values())


def test_what_matters_most_is_sure_where_no_other_may_matter_more() -> None:
    def told(*shares: tuple[float, float, float]) -> Importance:
        axes = {
            f"axis{place}": dict.fromkeys(
                ("accuracy", "joules"), Explained(share=share, low=low, high=high)
            )
            for place, (share, low, high) in enumerate(shares)
        }
        return Importance(configurations=9, is_exact=False, axes=axes, together={})

    assert told((0.6, 0.5, 0.7), (0.2, 0.1, 0.4)).is_sure("accuracy")
    assert not told((0.6, 0.3, 0.9), (0.2, 0.1, 0.4)).is_sure("joules")
    assert told((0.6, 0.5, 0.7)).is_sure("joules")


def test_nothing_is_said_of_too_few_or_of_what_does_not_vary() -> None:
    few = toy_study.grid((32,), rates=(0.01,), epochs=(10,))
    assert PricedStudy(few, TRAINING).importance is None
    assert PricedStudy(toy_study.study([], []), TRAINING).importance is None

"""The first measurements of a search: spread, cheap, and the same whenever asked."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from energy_sweep.search.acquisition.start import start
from energy_sweep.study.space import Axis, Space

AXES: dict[str, tuple[Any, ...]] = {
    "batch": (32, 64, 128),
    "lr": (0.01, 0.1, 1.0),
    "epochs": (5, 10),
    "compression.level": (0.0, 0.5, 0.8),
    "device.power_limit_watts": (100, 200),
}


def space(*left_out: str) -> tuple[Space, list[dict[str, Any]]]:
    axes = {name: values for name, values in AXES.items() if name not in left_out}
    points = [dict(zip(axes, one, strict=True)) for one in itertools.product(*axes.values())]
    return Space([Axis(name=name, values=values) for name, values in axes.items()]), points


def test_few_trainings_at_the_least_epochs_and_one_of_them_compressed() -> None:
    given, points = space()
    chosen = [points[index] for index in start(points, given, 3)]
    assert {point["epochs"] for point in chosen} == {5}
    assert len({(point["batch"], point["lr"]) for point in chosen}) == 3
    assert [point["compression.level"] for point in chosen] == [0.0, 0.5, 0.0, 0.0]
    assert chosen[0] == {**chosen[1], "compression.level": 0.0}


def test_it_is_pure_and_differs_by_seed() -> None:
    given, points = space()
    assert start(points, given, 3) == start(points, given, 3)
    assert len({start(points, given, seed) for seed in range(10)}) > 1


def test_axes_may_be_missing() -> None:
    given, points = space("compression.level", "epochs")
    assert len(start(points, given, 0)) == 3
    given, points = space("batch", "lr", "compression.level")
    assert len(start(points, given, 0)) == 1


def test_it_begins_with_what_is_cheap_where_prices_are_known() -> None:
    """Of nine trainings, the four whose batch is the smallest are dearer than the middling one."""
    given, points = space("compression.level", "device.power_limit_watts")
    price = np.array([point["epochs"] / point["batch"] + point["lr"] / 100 for point in points])
    for seed in range(10):
        chosen = start(points, given, seed, price)
        assert {points[index]["batch"] for index in chosen} <= {64, 128}
        assert list(price[list(chosen)]) == sorted(price[list(chosen)])


def test_what_was_measured_comes_first_and_the_others_are_far_from_it() -> None:
    given, points = space("compression.level", "device.power_limit_watts")
    first = points.index({"batch": 64, "lr": 0.1, "epochs": 5})
    for seed in range(10):
        chosen = start(points, given, seed, measured=[first])
        assert chosen[0] == first and len(chosen) == 3
        others = [points[index] for index in chosen[1:]]
        assert all((one["batch"], one["lr"]) != (64, 0.1) for one in others)


def test_what_may_be_dear_is_not_begun_with() -> None:
    """Nothing is known of the largest batch, so that it may be the dearest of all."""
    given, points = space("compression.level", "device.power_limit_watts")
    price = np.ones(len(points))
    unsure = np.array([1.5 if point["batch"] == 128 else 0.1 for point in points])
    for seed in range(10):
        chosen = start(points, given, seed, price, unsure=unsure)
        assert len(chosen) == 3
        assert {points[index]["batch"] for index in chosen} <= {32, 64}


def test_of_prices_that_are_all_unsure_the_cheap_ones_are_begun_with() -> None:
    given, points = space("compression.level", "device.power_limit_watts")
    price = np.array([point["epochs"] / point["batch"] + point["lr"] / 100 for point in points])
    for share in (2, 9):
        chosen = start(points, given, 0, price, unsure=share * price)
        assert len(chosen) == 3
        assert {points[index]["batch"] for index in chosen} <= {64, 128}


def test_of_equal_trainings_the_cheapest_is_begun_with() -> None:
    """The last power limit typed, whatever the others take."""
    given, points = space("compression.level")
    price = np.array([1000.0 / point["device.power_limit_watts"] for point in points])
    for seed in range(10):
        chosen = start(points, given, seed, price)
        assert {points[index]["device.power_limit_watts"] for index in chosen} == {200}
        assert {points[index]["device.power_limit_watts"] for index in start(points, given, 0)} == {
            100
        }


def test_a_training_that_was_measured_is_not_begun_again_where_it_turns_out_cheaper() -> None:
    given, points = space("compression.level")
    first = {"batch": 64, "lr": 0.1, "epochs": 5, "device.power_limit_watts": 100}
    price = np.array([1000.0 / point["device.power_limit_watts"] for point in points])
    for seed in range(10):
        chosen = start(points, given, seed, price, measured=[points.index(first)])
        same = [
            index for index in chosen if points[index]["batch"] == 64 and points[index]["lr"] == 0.1
        ]
        assert same == [points.index(first)] and len(chosen) == 3

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.record import BadInput
from energy_sweep.study.space import Axis, Space

values = st.lists(
    st.one_of(st.integers(), st.text(max_size=3)), min_size=1, max_size=4, unique=True
)


@given(st.lists(values, max_size=4))
def test_grid_holds_every_point_once_in_the_order_typed(columns: list[list[object]]) -> None:
    axes = tuple(
        Axis(name=f"axis{index}", values=tuple(column)) for index, column in enumerate(columns)
    )
    space = Space(axes)
    points = list(space.grid())
    assert len(points) == space.size
    assert all(space.contains(point) for point in points)
    first = [axis.values[0] for axis in axes if axis.values]
    assert list(points[0].values()) == first
    positions = [
        [column.index(point[f"axis{i}"]) for i, column in enumerate(columns)] for point in points
    ]
    assert positions == sorted(positions)


def test_a_space_without_axes_is_one_point() -> None:
    assert Space().size == 1
    assert list(Space().grid()) == [{}]
    assert Space().contains({})
    assert not Space().contains({"lr": 0.1})


def test_an_interval_makes_a_space_infinite() -> None:
    space = Space((Axis(name="lr", low=0.001, high=0.1, log=True), Axis(name="b", values=(1, 2))))
    assert space.size is None
    assert space.contains({"lr": 0.001, "b": 2})
    assert space.contains({"lr": 0.1, "b": 1})
    assert not space.contains({"lr": 0.2, "b": 1})
    assert not space.contains({"lr": 0.01})
    with pytest.raises(ValueError, match="no grid"):
        list(space.grid())


def test_whole_intervals_hold_whole_numbers() -> None:
    axis = Axis(name="epochs", low=10, high=30, integer=True)
    assert axis.contains(10)
    assert axis.contains(30)
    assert not axis.contains(10.5)
    assert not axis.contains("10")
    assert not axis.contains(True)


def test_values_are_compared_by_value_but_not_across_truth() -> None:
    axis = Axis(name="flag", values=(True, 0, 2.0))
    assert axis.position(True) == 0
    assert axis.position(1) is None
    assert axis.position(False) is None
    assert axis.position(2) == 2


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"values": ()}, "type at least one"),
        ({}, "two numbers"),
        ({"low": 1.0}, "two numbers"),
        ({"low": 1.0, "high": float("inf")}, "two numbers"),
        ({"low": 1.0, "high": 1.0}, "smaller number first"),
        ({"low": 0.0, "high": 1.0, "log": True}, "starts above 0"),
        ({"low": 0.5, "high": 2.0, "integer": True}, "whole numbers"),
    ],
)
def test_an_impossible_axis_is_refused_in_one_line(settings: dict[str, float], hint: str) -> None:
    with pytest.raises(BadInput, match=hint) as refusal:
        Axis(name="lr", **settings)  # type: ignore[arg-type]
    assert str(refusal.value).startswith("lr")
    assert "\n" not in str(refusal.value)


def test_an_axis_is_given_once() -> None:
    with pytest.raises(BadInput, match="given twice"):
        Space((Axis(name="lr", values=(1,)), Axis(name="lr", values=(2,))))

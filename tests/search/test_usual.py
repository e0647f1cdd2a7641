"""What is usual of accuracy before anything is measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.search.acquisition.usual import CURVE, RISE, usual_logits
from energy_sweep.study.space import Axis, Space

RATES, BATCHES = (0.001, 0.01, 0.1), (16, 64, 256)


def of(*points: dict[str, object], space: Space) -> list[float]:
    return usual_logits(list(points), space).tolist()


def test_the_middle_rate_is_the_summit_and_a_decade_costs_alike_on_both_sides() -> None:
    space = Space((Axis(name="lr", values=RATES),))
    low, middle, high = of(*({"lr": rate} for rate in RATES), space=space)
    assert middle == 0 and low == pytest.approx(-CURVE) == pytest.approx(high)


def test_the_summit_moves_with_the_root_of_the_batch() -> None:
    space = Space(
        (Axis(name="lr", low=1e-4, high=1.0, log=True), Axis(name="batch", values=BATCHES))
    )
    for batch in BATCHES:
        summit = 0.01 * np.sqrt(batch / 64)
        here, above, below = of(
            *({"lr": rate, "batch": batch} for rate in (summit, 2 * summit, summit / 2)),
            space=space,
        )
        assert here == pytest.approx(0) and above == pytest.approx(below) and above < here


def test_epochs_raise_it_and_names_and_other_axes_say_nothing() -> None:
    space = Space(
        (
            Axis(name="epochs", values=(5, 10)),
            Axis(name="lr", values=(0.1,)),
            Axis(name="batch", values=("small", "large")),
            Axis(name="compression.level", values=(0, 0.5)),
        )
    )
    point = {"epochs": 5, "lr": 0.1, "batch": "small", "compression.level": 0}
    longer = point | {"epochs": 10, "batch": "large", "compression.level": 0.5}
    assert of(point, longer, space=space) == [0, pytest.approx(RISE)]


@given(st.floats(1e-6, 10), st.floats(1e-6, 10))
def test_it_is_a_number_whatever_the_range(one: float, other: float) -> None:
    space = Space((Axis(name="lr", low=min(one, other), high=max(one, other) * 1.01, log=True),))
    assert np.isfinite(of({"lr": one}, {"lr": other}, space=space)).all()

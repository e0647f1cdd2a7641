"""One check of each range: what lies outside is refused with what to type."""

from __future__ import annotations

import math

import numpy as np
import pytest

from energy_sweep.record import BadInput
from energy_sweep.record.bounds import check_count, check_positive


def test_what_lies_inside_is_let_through() -> None:
    for count in (1, 10, np.int64(3)):
        check_count("batch", count, most=10)
    for number in (1e-9, 3, np.float32(2)):
        check_positive("lr", number, example=0.05)


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "2", None])
def test_what_counts_nothing_is_refused(value: object) -> None:
    with pytest.raises(BadInput) as refusal:
        check_count("batch", value, example=64)
    assert str(refusal.value) == (
        f"batch={value}: type a whole number of at least 1, such as batch=64"
    )


def test_a_slip_of_the_finger_is_refused() -> None:
    with pytest.raises(BadInput, match="epochs=11: type a number up to 10, such as epochs=5"):
        check_count("epochs", 11, example=5, most=10)


@pytest.mark.parametrize("value", [0, -0.5, math.nan, math.inf, True, "1", None])
def test_what_is_not_above_0_is_refused(value: object) -> None:
    with pytest.raises(BadInput, match=r"lr=.*: type a number above 0, such as lr=0\.05"):
        check_positive("lr", value, example=0.05)

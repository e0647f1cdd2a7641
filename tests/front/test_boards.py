"""Work that was read on several boards of a class compares less surely than that of one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from energy_sweep.front.boards import TWO_BOARDS, between_boards
from energy_sweep.front.pools import merge
from energy_sweep.record import DomainEnergy, EnergyReading, Mark, Quality, StageRecord


def record(joules: float, board: str) -> StageRecord:
    part = DomainEnergy(
        domain="gpu:0",
        joules=joules,
        uncertainty_joules=0.0,
        source="nvml",
        quality=Quality.COUNTER,
    )
    mark = Mark(units=2.0, reading=EnergyReading(domains=(part,), seconds=1.0, board=board))
    return StageRecord(stage="trunk", key=f"{joules}{board}", cost_key="c", marks=(mark,))


def ratio_uncertainty(by_board: list[dict[str, float]]) -> float:
    """The 95 % limit of the logarithm of the first price over the second, from boards alone."""
    covariance = between_boards(by_board)
    weights = np.array([1.0, -1.0])
    return 1.96 * math.sqrt(weights @ covariance @ weights)


def test_a_pool_knows_what_it_was_read_on() -> None:
    pool = merge([record(10.0, "a"), record(14.0, "b")], lambda _: 0.0)
    assert pool.by_board == {"a": 2.5, "b": 3.5}
    assert sum(pool.by_board.values()) == pool.joules_per_unit
    assert pool.times(2.0).by_board == {"a": 5.0, "b": 7.0}


@pytest.mark.parametrize("shares", [{"a": 3.0}, {"a": 1.0, "b": 1.0}])
def test_equal_boards_cancel(shares: dict[str, float]) -> None:
    assert ratio_uncertainty([shares, shares]) == pytest.approx(0.0, abs=1e-9)


def test_two_boards_differ_by_the_stated_limit_and_half_shared_by_half() -> None:
    alone = ratio_uncertainty([{"a": 5.0}, {"b": 1.0}])
    assert alone == pytest.approx(math.log1p(TWO_BOARDS), rel=1e-3)
    assert ratio_uncertainty([{"a": 1.0, "b": 1.0}, {"b": 2.0}]) == pytest.approx(alone / 2)


def test_the_order_of_boards_is_no_matter_and_one_board_adds_nothing() -> None:
    one = between_boards([{"a": 1.0, "b": 2.0}, {"b": 1.0}])
    other = between_boards([{"b": 2.0, "a": 1.0}, {"b": 1.0}])
    assert np.allclose(one, other)
    assert not between_boards([{"a": 1.0}, {"a": 9.0}, {"": 3.0}]).any()
    assert between_boards([{"a": 1.0}, {"b": 9.0}, {"": 3.0}])[2, 2] > 0

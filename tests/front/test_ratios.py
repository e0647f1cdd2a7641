"""How joules compare: what is common cancels, and two sources may disagree about the order."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.front.prices import Prices, Usage
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import DomainEnergy, EnergyReading, Mark, Quality, StageRecord

KEYS = ("trunk", "recover", "infer")
PRICES = Prices(
    [
        toy_study.stage("trunk", "a", "trunk", (10, 20.0, 1.0), (10, 22.0, 1.0)),
        toy_study.stage("recover", "b", "recover", (3, 1.5, 0.2)),
        toy_study.stage("infer", "c", "infer", (1000, 5.0, 0.5)),
    ],
    repeatability=lambda _: 0.03,
)
UNITS = st.lists(st.integers(0, 1000), min_size=3, max_size=3).filter(any)


def usage(units: list[int], times: int = 1) -> Usage:
    return {key: float(times * count) for key, count in zip(KEYS, units, strict=True)}


def between(first: Usage, second: Usage) -> tuple[float, float]:
    value, uncertainty = Ratios([first, second], PRICES).log_ratios([0], [1])
    return float(value[0, 0]), float(uncertainty[0, 0])


@given(UNITS, UNITS)
def test_a_ratio_is_that_of_the_joules_and_turns_round(first: list[int], second: list[int]) -> None:
    value, uncertainty = between(usage(first), usage(second))
    expected = PRICES.joules(usage(first))[0] / PRICES.joules(usage(second))[0]
    assert math.exp(value) == pytest.approx(expected)
    assert between(usage(second), usage(first)) == pytest.approx((-value, uncertainty))


@given(UNITS, st.integers(2, 9))
def test_more_of_the_same_work_is_surely_so_many_times_as_dear(units: list[int], n: int) -> None:
    value, uncertainty = between(usage(units, n), usage(units))
    assert (value, uncertainty) == (pytest.approx(math.log(n)), pytest.approx(0.0, abs=1e-6))


@given(UNITS, UNITS)
def test_who_needs_all_work_of_another_and_more_is_surely_dearer(
    base: list[int], extra: list[int]
) -> None:
    whole = [one + more for one, more in zip(base, extra, strict=True)]
    ratios = Ratios([usage(base), usage(whole)], PRICES)
    assert ratios.cheaper([0], [1])[0, 0]
    assert not ratios.cheaper([1], [0])[0, 0]


def stage_of(key: str, parts: Mapping[str, float]) -> StageRecord:
    """One window of joules by source."""
    domains = tuple(
        DomainEnergy(
            domain=source,
            joules=joules,
            uncertainty_joules=0.0,
            source=source,
            quality=Quality.COUNTER,
        )
        for source, joules in parts.items()
    )
    reading = EnergyReading(domains=domains, seconds=1.0)
    return StageRecord(
        stage="trunk", key=key, cost_key=key, marks=(Mark(units=1, reading=reading),)
    )


BOARDS = Prices(
    [
        stage_of("a", {"nvml": 100.0, "estimate": 5.0}),
        stage_of("b", {"nvml": 92.0, "estimate": 12.0}),
        stage_of("c", {"nvml": 60.0, "estimate": 5.0}),
    ]
)
BANDS = {"nvml": (1.0, 1.0), "estimate": (0.9, 4.0)}


def test_an_order_that_hangs_on_an_unknown_factor_is_not_sure() -> None:
    """The board of a takes 100 J, its processor 5 J; those of b 92 J and 12 J."""
    demands: list[Usage] = [{"a": 1.0}, {"b": 1.0}, {"c": 1.0}]
    by_points = Ratios(demands, BOARDS)
    assert by_points.cheaper([1], [0])[0, 0]
    ratios = Ratios(demands, BOARDS, BANDS.__getitem__)
    assert not ratios.cheaper([1], [0])[0, 0]
    assert not ratios.cheaper([0], [1])[0, 0]
    assert ratios.cheaper([2], [0, 1]).all()
    drawn = ratios.draw(np.random.default_rng(0), 4000)
    # Which is cheaper turns at a factor of 8 / 7, in the logarithm .16 of the way from .9 to 4.
    turns = (math.log(8 / 7) - math.log(0.9)) / (math.log(4) - math.log(0.9))
    assert np.mean(drawn[:, 1] < drawn[:, 0]) == pytest.approx(turns, abs=0.03)


def test_one_factor_common_to_all_joules_changes_no_order() -> None:
    prices = Prices([stage_of("a", {"estimate": 5.0}), stage_of("b", {"estimate": 4.9})])
    ratios = Ratios([{"a": 1.0}, {"b": 1.0}], prices, BANDS.__getitem__)
    assert ratios.cheaper([1], [0])[0, 0]


def test_draws_spread_as_the_uncertainties_say() -> None:
    demands = [usage([1, 0, 0]), usage([0, 3, 0]), usage([1, 1, 100])]
    ratios = Ratios(demands, PRICES)
    drawn = ratios.draw(np.random.default_rng(1), 20_000)
    assert drawn.shape == (20_000, 3)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        value, uncertainty = ratios.log_ratios([first], [second])
        off = drawn[:, first] - drawn[:, second]
        assert off.mean() == pytest.approx(float(value[0, 0]), abs=0.01)
        assert 1.96 * off.std() == pytest.approx(float(uncertainty[0, 0]), rel=0.05)

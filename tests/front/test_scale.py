"""Factors that joules may be off by, by source, and the orders that depend on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.front.scale import (
    ScaleFactor,
    dependent_pairs,
    factors_text,
    order_depends,
    orders_text,
    scale_factors,
    share_one_factor,
)
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality

BOARD = ScaleFactor(
    source="nvml", domains=("gpu:0",), quality=Quality.COUNTER, low=0.885, high=1.087
)
PROCESSOR = ScaleFactor(
    source="estimate", domains=("cpu", "memory"), quality=Quality.ESTIMATED, low=0.9, high=4.0
)
PACKAGE = ScaleFactor(
    source="rapl", domains=("cpu:0", "dram:0"), quality=Quality.COUNTER, low=1.0, high=1.0
)
MIXED = MeterFacts(
    sources=("nvml", "estimate"),
    domains=("gpu:0", "cpu", "memory"),
    quality=Quality.ESTIMATED,
    scale_band=(0.885, 4.0),
    scale_bands={"nvml": (0.885, 1.087), "estimate": (0.9, 4.0)},
)


def reading(board: float, processor: float) -> EnergyReading:
    def part(domain: str, joules: float, source: str, quality: Quality) -> DomainEnergy:
        return DomainEnergy(
            domain=domain, joules=joules, uncertainty_joules=0.0, source=source, quality=quality
        )

    return EnergyReading(
        domains=(
            part("gpu:0", board, "nvml", Quality.COUNTER),
            part("cpu", processor, "estimate", Quality.ESTIMATED),
            part("memory", 0.0, "estimate", Quality.ESTIMATED),
        ),
        seconds=1.0,
    )


def test_each_source_has_its_factor_the_widest_first() -> None:
    assert scale_factors(MIXED, [reading(100.0, 5.0)]) == (PROCESSOR, BOARD)


def test_one_source_has_all_domains_also_without_a_reading() -> None:
    alone = dataclasses.replace(MIXED, sources=("estimate",), domains=("cpu", "memory"))
    assert scale_factors(alone) == (PROCESSOR,)
    assert [one.domains for one in scale_factors(MIXED)] == [(), ()]


def test_a_study_of_before_has_the_widest_band_for_each_source() -> None:
    before = dataclasses.replace(MIXED, scale_bands={})
    assert {(one.low, one.high) for one in scale_factors(before)} == {(0.885, 4.0)}


def test_a_counted_board_and_an_estimated_processor_may_change_places() -> None:
    factors = (PROCESSOR, BOARD)
    first, second = {"nvml": 100.0, "estimate": 5.0}, {"nvml": 92.0, "estimate": 12.0}
    assert order_depends(first, second, factors) and order_depends(second, first, factors)
    # Cheaper in both parts is cheaper whatever the factors are.
    assert not order_depends({"nvml": 90.0, "estimate": 5.0}, second, factors)
    # With one factor for all, 104 J are less than 105 J.
    assert not order_depends({"estimate": 105.0}, {"estimate": 104.0}, factors)
    # A factor of 4 on what differs by .5 J does not make up for 8 J.
    assert not order_depends(first, {"nvml": 92.0, "estimate": 5.5}, factors)


@given(
    first=st.fixed_dictionaries({name: st.floats(0, 1e6) for name in ("nvml", "estimate")}),
    second=st.fixed_dictionaries({name: st.floats(0, 1e6) for name in ("nvml", "estimate")}),
    at=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=8, max_size=8),
)
def test_no_factor_within_the_bands_turns_an_order_that_is_said_to_hold(
    first: Mapping[str, float],
    second: Mapping[str, float],
    at: list[tuple[float, float]],
) -> None:
    def more(board: float, processor: float) -> float:
        nvml = BOARD.low + board * (BOARD.high - BOARD.low)
        estimate = PROCESSOR.low + processor * (PROCESSOR.high - PROCESSOR.low)
        return nvml * (first["nvml"] - second["nvml"]) + estimate * (
            first["estimate"] - second["estimate"]
        )

    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    found = [more(*one) for one in (*at, *corners)]
    size = 1e-8 * (sum(first.values()) + sum(second.values()))
    if order_depends(first, second, (PROCESSOR, BOARD)):
        assert min(found) < 0 < max(found)
    else:
        assert min(found) >= -size or max(found) <= size


def test_pairs_are_of_members_and_of_members_with_their_rivals() -> None:
    joules = {
        0: {"nvml": 100.0, "estimate": 5.0},
        1: {"nvml": 92.0, "estimate": 12.0},
        2: {"nvml": 93.0, "estimate": 11.5},
        3: {"nvml": 300.0, "estimate": 40.0},
        4: {"nvml": 94.0, "estimate": 11.0},
    }
    pairs = dependent_pairs([3, 1, 0], {0: [2]}, joules.__getitem__, (PROCESSOR, BOARD))
    assert pairs == ((0, 1), (0, 2))
    assert dependent_pairs([3, 1, 0], {0: [2]}, joules.__getitem__, (PROCESSOR,)) == ()


@pytest.mark.parametrize(
    ("factors", "one"),
    [((), True), ((PROCESSOR,), True), ((PACKAGE, PACKAGE), True), ((BOARD, PACKAGE), False)],
)
def test_a_factor_is_shared_where_there_is_one_source_or_none_is_known(
    factors: tuple[ScaleFactor, ...], one: bool
) -> None:
    assert share_one_factor(factors) is one


def test_one_factor_changes_no_order_and_only_then_that_is_said() -> None:
    assert factors_text((PROCESSOR,), "estimated") == (
        "All estimated joules of this machine share one unknown factor between 0.9 and 4."
    )
    changes_nothing = "It does not change which configuration is cheaper."
    assert orders_text((PROCESSOR,), ()) == orders_text((BOARD,), ()) == changes_nothing
    boards = dataclasses.replace(BOARD, domains=("gpu:0", "gpu:1"))
    assert orders_text((boards,), ()) == (
        "It does not change which configuration is cheaper, as far as it is the same for gpu:0 and"
        " gpu:1."
    )
    assert factors_text((PACKAGE,), "counter") == (
        "The joules have no factor in common that is unknown."
    )
    assert orders_text((PACKAGE,), ()) == ""
    two = factors_text((PROCESSOR, BOARD), "estimated")
    assert two == (
        "The joules have no one factor in common: those of cpu and memory are estimated, times an"
        " unknown factor between 0.9 and 4; those of gpu:0 are counted, times an unknown factor"
        " between 0.885 and 1.09."
    )
    assert orders_text((PROCESSOR, BOARD), ()) == "No order on the front depends on these factors."
    assert orders_text((PROCESSOR, BOARD), [(0, 1), (3, 7)]) == (
        "Which is cheaper depends on these factors: trials 0 and 1, 3 and 7."
    )
    many = [(0, other) for other in range(1, 9)]
    assert orders_text((PROCESSOR, BOARD), many).endswith("0 and 6, and 2 pairs more.")


def test_what_no_factor_is_known_of_says_so() -> None:
    text = factors_text((BOARD, PACKAGE), "counter")
    assert "those of cpu:0 and dram:0 are counted, with no factor that is known" in text

"""Errors of readings that are added up: never less than those of one, and no more than all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.record import DomainEnergy, EnergyReading, Quality
from energy_sweep.uncertainty.propagation import chain_edge, edges_joules, spread_joules

ERRORS = st.tuples(st.floats(0, 10), st.floats(0, 10))


def part(edge: float, beside: float) -> DomainEnergy:
    return DomainEnergy(
        domain="gpu:0",
        joules=100.0,
        uncertainty_joules=edge + beside,
        edge_joules=edge,
        source="nvml",
        quality=Quality.COUNTER,
    )


def reading(edge: float, started: float | None) -> EnergyReading:
    return EnergyReading(domains=(part(edge, 0.0),), seconds=2.0, started=started)


@given(ERRORS)
def test_the_sum_of_one_part_is_as_uncertain_as_the_part(errors: tuple[float, float]) -> None:
    one = part(*errors)
    assert spread_joules([one], one.edge_joules) == pytest.approx(one.uncertainty_joules)


@given(st.lists(ERRORS, min_size=1, max_size=20))
def test_a_sum_is_no_more_uncertain_than_its_parts_together(
    errors: list[tuple[float, float]],
) -> None:
    parts = [part(*pair) for pair in errors]
    edge = chain_edge([one.edge_joules for one in parts])
    assert edge <= max(one.edge_joules for one in parts) + 1e-9
    assert spread_joules(parts, edge) <= math.fsum(p.uncertainty_joules for p in parts) + 1e-9


@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.1, 10))
def test_two_windows_have_four_edges(first: int, second: int, edge: float) -> None:
    readings = [reading(edge, 1.7e9 + 2 * i) for i in range(first)]
    readings += [reading(edge, 1.7e9 + 1000 + 2 * i) for i in range(second)]
    assert edges_joules(reversed(readings)) == pytest.approx(math.sqrt(2) * edge)


def test_readings_without_a_moment_are_windows_of_their_own() -> None:
    assert edges_joules([reading(3.0, None), reading(4.0, None)]) == pytest.approx(5.0)
    assert edges_joules([]) == 0.0

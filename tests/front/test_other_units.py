"""Joules in other units: the factors, where they come from, and what is refused."""

from __future__ import annotations

import math
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.front.other_units import OtherUnits, energy_text, grids
from energy_sweep.record import BadInput

# What Our World in Data's copy of the same release has for 2024, in whole grams, read apart.
OTHER_COPY = {
    "AU": 552,
    "AT": 103,
    "BE": 118,
    "CA": 175,
    "CZ": 414,
    "DK": 143,
    "EE": 341,
    "FI": 72,
    "FR": 44,
    "DE": 344,
    "NL": 253,
    "NO": 31,
    "PL": 615,
    "SE": 36,
    "CH": 37,
    "GB": 211,
    "US": 384,
    "WORLD": 473,
}


def test_the_grids_are_dated_and_those_of_another_copy_of_the_source() -> None:
    assert len(grids()) > 50
    for code, grid in grids().items():
        assert grid.code == code and (len(code) == 2 or code == "WORLD")
        assert grid.year in (2023, 2024)
        assert 10 < grid.grams_per_kwh < 1500
        assert str(grid.year) in grid.text and "Ember" in grid.text and "CC BY" in grid.text
    for code, grams in OTHER_COPY.items():
        assert (round(grids()[code].grams_per_kwh), grids()[code].year) == (grams, 2024)


def test_the_table_that_comes_along_says_where_it_is_from() -> None:
    text = resources.files("energy_sweep.front").joinpath("grids.csv").read_text(encoding="utf-8")
    head = text.split("code,name")[0]
    assert all(word in head for word in ("Ember", "CC BY 4.0", "2025", "without an uncertainty"))


def test_joules_are_what_their_factors_make_of_them() -> None:
    units = OtherUnits.of(price=0.3, currency="EUR", grid="de")
    hours, money, emitted = units.amounts(3.6e6)
    assert (hours, money) == (1.0, 0.3)
    assert emitted == pytest.approx(0.34414)
    assert units.text(7.2e6, 0.72e6, "estimated") == (
        "7.2 MJ = 2 kWh = 0.6 EUR = 0.69 kgCO2e (DE 2024, Ember, CC BY 4.0), estimated, ± 10 %"
    )
    assert "344.14 g a kWh, the mean of 2024" in units.factors_text
    assert OtherUnits.of().text(3.6e6) == "3.6 MJ = 1 kWh"
    typed = OtherUnits.of(carbon=0.35)
    assert typed.text(3.6e3) == "3,600 J = 0.001 kWh = 0.00035 kgCO2e"
    assert typed.factors_text == "kgCO2e at 0.35 kg a kWh, as typed"


@given(joules=st.floats(1e-6, 1e12), share=st.floats(0.001, 3))
def test_an_uncertainty_has_the_same_width_in_every_unit(joules: float, share: float) -> None:
    units = OtherUnits.of(price=0.2, currency="€", carbon=0.4)
    figures = units.figures(joules, share * joules)
    for name in ("joules", "kilowatt_hours", "money", "kilograms_co2e"):
        assert figures[f"uncertainty_{name}"] / figures[name] == pytest.approx(share)
    assert figures["kilowatt_hours"] * 3.6e6 == pytest.approx(joules)


def test_what_is_not_known_is_none_and_not_0() -> None:
    figures = OtherUnits.of(carbon=0.4).figures(5.0, None)
    assert figures["uncertainty_kilowatt_hours"] is None
    assert "money" not in figures
    plain = OtherUnits.of().document
    assert {plain[name] for name in ("price_per_kwh", "kilograms_co2e_per_kwh", "grid")} == {None}
    assert OtherUnits.of(grid="FR").document["year"] == 2024


@pytest.mark.parametrize(
    ("joules", "text"), [(5.0, "5 J"), (99_000.0, "99,000 J"), (8.3e5, "0.83 MJ"), (-2e6, "-2 MJ")]
)
def test_many_joules_are_megajoules(joules: float, text: str) -> None:
    assert energy_text(joules) == text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"price": 0.3}, "type both, such as --price 0.30 --currency EUR"),
    ({"currency": "EUR"}, "type both"),
    ({"price": 0.0, "currency": "EUR"}, "price=0: type a number above 0"),
    ({"price": math.inf, "currency": "EUR"}, "type a number above 0"),
    ({"price": 1.0, "currency": "<b>"}, "type one such as EUR"),
    ({"price": 1.0, "currency": "E\nU"}, "type one such as EUR"),
    ({"carbon": -1.0}, "carbon=-1: type a number above 0"),
    ({"carbon": 0.3, "grid": "DE"}, "are both what a kWh emits"),
    ({"grid": "Atlantis"}, "no grid is called Atlantis: type one of AE, AR, AT"),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_factors_that_say_nothing_are_one_line(place: int) -> None:
    typed, line = REFUSED[place]
    with pytest.raises(BadInput) as refused:
        OtherUnits.of(**typed)
    assert line in str(refused.value) and "\n" not in str(refused.value)

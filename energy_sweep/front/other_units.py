"""Joules as kWh, money and CO2 equivalents: by factors that are given, or named with their year.

They are the same joules in other words: never an objective, and as unsure as the joules are.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from energy_sweep.front.breakdown import JOULES_PER_KILOWATT_HOUR
from energy_sweep.front.configurations import joules_text
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.bounds import check_positive

TABLE = Path(__file__).with_name("grids.csv")
SOURCE = "Ember, Yearly Electricity Data, release of 2025, CC BY 4.0"
MILLION = 1_000_000
MANY_JOULES = 1e5
CURRENCY = re.compile(r"[^\W\d_]{1,8}|[$€£¥₹₩₺₽]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What a kWh of electricity of a country emitted, on average over a year."""

    code: str
    name: str
    year: int
    grams_per_kwh: float

    @property
    def text(self) -> str:
        """Where, when, and who says so."""
        return f"{self.code} {self.year}, Ember, CC BY 4.0"


@functools.cache
def grids() -> Mapping[str, Grid]:
    """The grids of the table that comes along, by code."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {
        row["code"]: Grid(
            code=row["code"],
            name=row["name"],
            year=int(row["year"]),
            grams_per_kwh=float(row["grams_per_kwh"]),
        )
        for row in rows
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUnits:
    """In what else joules are told: kWh, and as given a price per kWh, and kg of CO2e per kWh."""

    price: float | None = None
    currency: str | None = None
    carbon: float | None = None
    grid: Grid | None = None

    @classmethod
    def of(
        cls,
        *,
        price: float | None = None,
        currency: str | None = None,
        carbon: float | None = None,
        grid: str | None = None,
    ) -> OtherUnits:
        """Those that were typed; BadInput where they contradict each other, or are not known."""
        if price is not None:
            check_positive("price", price, example=0.3)
        if carbon is not None:
            check_positive("carbon", carbon, example=0.35)
        if (price is None) != (currency is None):
            raise BadInput("a price has a currency: type both, such as --price 0.30 --currency EUR")
        if currency is not None and not CURRENCY.fullmatch(currency):
            raise BadInput(f"currency {currency!a}: type one such as EUR")
        if carbon is not None and grid is not None:
            raise BadInput("--carbon and --grid are both what a kWh emits: type one of them")
        return cls(price=price, currency=currency, carbon=carbon, grid=_grid(grid))

    @property
    def kilograms_per_kwh(self) -> float | None:
        """What a kWh emits; None where that is not given."""
        return self.carbon if self.grid is None else self.grid.grams_per_kwh / 1000

    @property
    def titles(self) -> list[str]:
        """The units, for the head of a table, above lines that say by whom the factors are."""
        short = [] if self.grid is None else [f"kgCO2e {self.grid.code} {self.grid.year}"]
        return [*self._names[:-1], *short] if short else self._names

    @property
    def _names(self) -> list[str]:
        """The units with who says what a kWh emits."""
        money = [] if self.currency is None else [self.currency]
        emitted = "kgCO2e" if self.grid is None else f"kgCO2e ({self.grid.text})"
        return ["kWh", *money, *([] if self.kilograms_per_kwh is None else [emitted])]

    def amounts(self, joules: float) -> list[float]:
        """Joules in each of these units."""
        hours, emitted = joules / JOULES_PER_KILOWATT_HOUR, self.kilograms_per_kwh
        money = [] if self.price is None else [hours * self.price]
        return [hours, *money, *([] if emitted is None else [hours * emitted])]

    def text(self, joules: float, uncertainty: float | None = None, quality: str = "") -> str:
        """Joules, what they are in each unit, whose factor that is, and how unsure all of it is."""
        said = [energy_text(joules)]
        found = zip(self.amounts(joules), self._names, strict=True)
        whole = " = ".join([*said, *(f"{amount:.2g} {unit}" for amount, unit in found)])
        off = "" if uncertainty is None else share_text(joules, uncertainty)
        return ", ".join(filter(None, [whole, quality, off and f"± {off}"]))

    @property
    def factors_text(self) -> str:
        """By which factors, and what is not known of them; empty for kWh alone."""
        parts = list[str]()
        if self.price is not None:
            parts.append(f"money at {self.price:g} {self.currency} a kWh, as typed")
        if self.grid is not None:
            parts.append(
                f"kgCO2e at {self.grid.grams_per_kwh:g} g a kWh, the mean of {self.grid.year} of"
                f" what was generated in {self.grid.name} (location-based, published without an"
                f" uncertainty: {SOURCE})"
            )
        elif self.carbon is not None:
            parts.append(f"kgCO2e at {self.carbon:g} kg a kWh, as typed")
        return "; ".join(parts)

    @property
    def document(self) -> JsonDict:
        """The factors as plain values."""
        grid = self.grid
        return {
            "price_per_kwh": self.price,
            "currency": self.currency,
            "kilograms_co2e_per_kwh": self.kilograms_per_kwh,
            "grid": None if grid is None else grid.code,
            "year": None if grid is None else grid.year,
            "source": None if grid is None else SOURCE,
        }

    def figures(self, joules: float, uncertainty: float | None) -> JsonDict:
        """Joules in these units as plain values, with the uncertainty that each has from them."""
        names = ["kilowatt_hours"]
        names += [] if self.price is None else ["money"]
        names += [] if self.kilograms_per_kwh is None else ["kilograms_co2e"]
        told: JsonDict = {"joules": joules, "uncertainty_joules": uncertainty}
        for place, (name, amount) in enumerate(zip(names, self.amounts(joules), strict=True)):
            off = None if uncertainty is None else self.amounts(uncertainty)[place]
            told |= {name: amount, f"uncertainty_{name}": off}
        return told


def share_text(joules: float, uncertainty: float) -> str:
    """An uncertainty in percent of the joules; empty where these are 0."""
    share = abs(100 * uncertainty / joules) if joules else 0.0
    return f"{share:.0f} %" if share >= 9.95 else f"{share:.2g} %" if joules else ""


def energy_text(joules: float) -> str:
    """Joules, from a tenth of a megajoule on as megajoules."""
    return joules_text(joules) if abs(joules) < MANY_JOULES else f"{joules / 1e6:.3g} MJ"


def _grid(code: str | None) -> Grid | None:
    if code is None:
        return None
    found = grids().get(code.upper())
    if found is None:
        raise BadInput(
            f"no grid is called {code}: type one of {', '.join(sorted(grids()))}, or what a kWh"
            " emits in kg, as in --carbon 0.35"
        )
    return found

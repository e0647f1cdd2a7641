"""Other units of what verbs print, as options: kWh, money and CO2 by factors that are typed."""

from __future__ import annotations

import argparse

from energy_sweep.app.verbs import typed_numbers
from energy_sweep.front.other_units import OtherUnits


def units(parser: argparse.ArgumentParser) -> None:
    """In what else joules are printed."""
    parser.add_argument("--kwh", action="store_true", help="print kWh beside joules, too")
    positive = typed_numbers.positive
    parser.add_argument("--price", type=positive, metavar="M", help="and money, at M a kWh")
    parser.add_argument("--currency", metavar="EUR", help="of --price")
    emissions(parser)


def emissions(parser: argparse.ArgumentParser) -> None:
    """By which factor joules are emissions."""
    positive = typed_numbers.positive
    parser.add_argument("--carbon", type=positive, metavar="KG", help="and CO2, at KG a kWh")
    parser.add_argument(
        "--grid", metavar="DE", help="or by a country's mean of a year, by Ember (WORLD: of all)"
    )


def units_of(arguments: argparse.Namespace) -> OtherUnits | None:
    """Those that were typed, None where there are none; BadInput where they cannot be used."""
    typed = {name: getattr(arguments, name) for name in ("price", "currency", "carbon", "grid")}
    if not arguments.kwh and all(value is None for value in typed.values()):
        return None
    return OtherUnits.of(**typed)

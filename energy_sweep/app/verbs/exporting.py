"""The verb that tells other tools what a study found: export."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from energy_sweep.app import stored_study
from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs import choosing
from energy_sweep.app.verbs.constraint_options import RULES
from energy_sweep.app.verbs.destination import check_export, writing_to
from energy_sweep.app.verbs.unit_options import emissions
from energy_sweep.export import CARD, FORMATS
from energy_sweep.front.constraints import EXAMPLES
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.record import BadInput
from energy_sweep.study.paths import EXPORTED
from energy_sweep.text import terminal

CHOOSES = (*EXAMPLES, *RULES, "sure", "floor")


def options(parser: argparse.ArgumentParser) -> None:
    """Which form, where to, and by which factor joules are emissions."""
    parser.add_argument(
        "--to", required=True, metavar="FORM", choices=tuple(FORMATS), help=" | ".join(FORMATS)
    )
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help=f"where to write (default: {EXPORTED}/FORM)"
    )
    emissions(parser)
    parser.add_argument("--place", metavar="WHERE", help="where this ran, for a model card")


def export(arguments: Namespace) -> None:
    """Write a study in the form of another tool, and say what opens it."""
    from energy_sweep import export as room

    folder: Path = arguments.into or EXPORTED / arguments.to
    asked = [name for name in CHOOSES if getattr(arguments, name) not in (None, False)]
    if asked and arguments.to != CARD:
        typed = f"--{asked[0].replace('_', '-')}"
        raise BadInput(
            f"--to {arguments.to} takes all trials: leave out {typed}, which is for --to {CARD}"
        )
    units = _units(arguments)
    stored = stored_study.load(arguments)
    with writing_to(folder):
        check_export(folder)
        opened_by = room.export(
            stored.priced,
            arguments.to,
            folder,
            units=units,
            place=_place(arguments, units),
            trial=_chosen(stored, arguments) if arguments.to == CARD else None,
        )
    if arguments.json:
        told = {"study": stored.record.name, "to": arguments.to, "folder": str(folder)}
        stored_study.print_json({**told, "open": opened_by})
        return
    trials = len(stored.record.trials)
    what = "a trial" if arguments.to == CARD else f"{trials} trials"
    said = f"{what} of {stored.record.name}, joules {stored.priced.quality}, are in {folder}"
    if arguments.to == CARD:
        said = said.replace(" are in ", " is in ")
    print(terminal.prose(said, width=terminal.width_of()))
    print(f"  look at it: {opened_by}")


def _units(arguments: Namespace) -> OtherUnits | None:
    """What a kilowatt-hour emits, where that was typed."""
    if arguments.carbon is None and arguments.grid is None:
        return None
    return OtherUnits.of(carbon=arguments.carbon, grid=arguments.grid)


def _place(arguments: Namespace, units: OtherUnits | None) -> str | None:
    """Where a study ran: as it was typed, or the country of the grid."""
    grid = None if units is None or units.grid is None else units.grid.name
    return arguments.place or grid


def _chosen(stored: StoredStudy, arguments: Namespace) -> int:
    """The trial that a card is of."""
    if arguments.trial is not None:
        stored_study.trial_of(stored.record, arguments.trial)
    choice = choosing.choice_of(stored, arguments)
    return choice.row.trial if arguments.trial is None else arguments.trial

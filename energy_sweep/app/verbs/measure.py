"""The verb measure: joules of any program, which runs as if it was started by itself."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study, typed_watts
from energy_sweep.app.sweep.trial_text import watts_text
from energy_sweep.app.verbs import child
from energy_sweep.app.verbs.destination import check_json
from energy_sweep.app.verbs.unit_options import units_of
from energy_sweep.front import joules_text
from energy_sweep.front.scale import factors_text, scale_factors
from energy_sweep.record import (
    BadInput,
    DomainEnergy,
    EnergyReading,
    EnergySweepError,
    JsonDict,
    MeterFacts,
    to_json,
)
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.front.other_units import OtherUnits
    from energy_sweep.meter.measure import Measured

JOULES_UNKNOWN = 1
MOST_CHARACTERS = 60
# A child that is gone shows no memory, so it is looked at while it runs; counters need no look.
FIRST_LOOK_SECONDS = 0.05


def options(parser: argparse.ArgumentParser) -> None:
    """By what meter, and the program."""
    parser.add_argument(
        "--meter",
        choices=("auto", "nvml", "rapl", "estimate"),
        default="auto",
        help="source of joules (default: auto, the best of each domain)",
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the JSON there")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ARGS ...")


def measure(arguments: Namespace) -> int:
    """Run a program in one measured window; gives its exit code, as a shell would."""
    command = list(arguments.command)
    command = command[1:] if command[:1] == ["--"] else command
    if not command:
        raise BadInput("measure what? type a program after --, as in measure -- python train.py")
    if arguments.to is not None:
        check_json(arguments.to, ("command", "joules"), force=arguments.force)
    units = units_of(arguments)
    from energy_sweep.meter.measure import measure as measured

    try:
        with measured(meter_settings(arguments), label=shlex.join(command)) as reading:
            code = child.run(command, _looking(reading), first_look=_first_look(reading))
    except child.NotRun as error:
        print(error, file=sys.stderr)
        return error.code
    try:
        document = {"command": command, "exit_code": code, **document_of(reading)}
        if units is not None:
            figures = units.figures(reading.joules, reading.uncertainty_joules)
            document["units"] = {**units.document, **figures}
    except EnergySweepError as lost:
        _put({"command": command, "exit_code": code, "joules": None, "lost": str(lost)}, arguments)
        print(f"the joules are unknown: {lost}", file=sys.stderr)
        return code or JOULES_UNKNOWN
    if not arguments.json:
        print(f"\n{text_of(reading, command, code, units)}", file=sys.stderr)
    _put(document, arguments)
    return code


def meter_settings(arguments: Namespace) -> JsonDict:
    """The meter that was typed, with its settings."""
    settings = {"name": arguments.meter, **typed_watts.watts_settings(arguments)}
    if arguments.powercap is not None:
        settings["powercap"] = str(arguments.powercap)
    return settings


def _looking(reading: Measured) -> Callable[[], None]:
    def look() -> None:
        with suppress(EnergySweepError):  # a lost reading is told at the end
            reading.so_far()

    return look


def _first_look(reading: Measured) -> float:
    return FIRST_LOOK_SECONDS if reading.facts.coefficients else child.LOOK_SECONDS


def document_of(reading: Measured) -> JsonDict:
    """The reading as JSON; raises ReadingLost where it is unknown."""
    energy = reading.energy
    return {
        "joules": reading.joules,
        "uncertainty_joules": reading.uncertainty_joules,
        "net_joules": reading.net_joules,
        "quality": reading.quality.value,
        "seconds": reading.seconds,
        "watts": reading.watts,
        "started": energy.started,
        "contended": reading.contended,
        "foreign": dict(energy.foreign),
        "peak_memory_bytes": energy.peak_memory_bytes,
        "domains": [_domain(part, reading) for part in reading.domains],
        "terms": dict(energy.terms),
        "meter": to_json(reading.facts),
    }


def _domain(part: DomainEnergy, reading: Measured) -> JsonDict:
    return {
        "domain": part.domain,
        "joules": part.joules,
        "uncertainty_joules": reading.uncertainty_of(part),
        "net_joules": reading.net_of(part),
        "watts": part.joules / reading.seconds if reading.seconds > 0 else 0.0,
        "quality": part.quality.value,
        "source": part.source,
    }


def _put(document: JsonDict, arguments: Namespace) -> None:
    """Write the document where it was asked for."""
    path: Path | None = arguments.to
    if path is not None:
        from energy_sweep.record.files import write_whole

        try:
            write_whole(path, json.dumps(document, indent=2, allow_nan=False) + "\n")
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}: type --to with a file of yours") from error
    elif arguments.json:
        stored_study.print_json(document)


def text_of(
    reading: Measured, command: Sequence[str], code: int, units: OtherUnits | None = None
) -> str:
    """What a person wants to know of a measured program."""
    document = document_of(reading)
    name = " ".join(shlex.join(command).split())
    name = name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 3]}..."
    ended = "" if code == 0 else f", which ended with {code}"
    parts: list[JsonDict] = document["domains"]
    if len(parts) > 1:
        source = " + ".join(reading.facts.sources)
        parts = [*parts, {**document, "domain": "total", "source": source}]
    heading = ["domain", "joules", "watts", "quality", "source"]
    rows = [_cells(part) for part in parts]
    if any(part["net_joules"] is not None for part in parts):
        heading.append("above idle")
        for row, part in zip(rows, parts, strict=True):
            net = part["net_joules"]
            row.append("-" if net is None else joules_text(net))
    width = terminal.width_of(sys.stderr)
    table = terminal.table(heading, rows, fold=("source", "watts", "quality"), width=width)
    remarks = "\n".join([*_in_units(reading, units), *_remarks(reading.energy, reading.facts)])
    said = terminal.prose(f"{name}{ended}: {reading}", width=width)
    return f"{said}\n{table}\n{terminal.prose(remarks, width=width)}"


def _cells(part: JsonDict) -> list[str]:
    return [
        part["domain"],
        joules_text(part["joules"], part["uncertainty_joules"]),
        watts_text(part["watts"]),
        part["quality"],
        part["source"],
    ]


def _in_units(reading: Measured, units: OtherUnits | None) -> list[str]:
    if units is None:
        return []
    quality = reading.quality.value
    said = [units.text(reading.joules, reading.uncertainty_joules, quality), units.factors_text]
    return [line for line in said if line]


def _remarks(energy: EnergyReading, facts: MeterFacts) -> list[str]:
    """What to know before these joules are compared with others."""
    remarks = ["±: run again, it takes as much to within this, 19 times of 20"]
    factors = scale_factors(facts, [energy])
    if not all(factor.is_known for factor in factors):
        remarks.append(factors_text(factors, facts.quality.value))
    if energy.contended:
        names = {"cpu": "the processors"}
        shares = ", ".join(
            f"{100 * share:.0f} % of {names.get(name, name)}"
            for name, share in energy.foreign.items()
        )
        remarks.append(f"contended: other programs used {shares}; measure again when it is quiet")
    elif energy.contended is None:
        remarks.append("too short to tell whether other programs ran meanwhile")
    return remarks

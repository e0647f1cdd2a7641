"""The dialogue of a calibration: hold a load, ask what the wall plug shows, fit, write."""

from __future__ import annotations

import datetime
import json
import math
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study
from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.app.sweep.trial_text import duration, watts_text
from energy_sweep.app.verbs.destination import check_json
from energy_sweep.record import BadInput, JsonDict, to_json
from energy_sweep.text.commands import program

if TYPE_CHECKING:
    from energy_sweep.meter.calibrate import Fit, Phase, PlugReading

DEFAULT_SECONDS = 30.0
DEFAULT_FILE = Path("calibration.json")


def calibrate(arguments: Namespace) -> int:
    """Ask for the plug's watts under each load, and write the watts that fit them."""
    from energy_sweep.hardware.cpu import usable_cores
    from energy_sweep.meter.calibrate import fit, free_bytes, phases

    seconds = arguments.seconds or DEFAULT_SECONDS
    path: Path = arguments.to or DEFAULT_FILE
    check_json(path, ("cpu_watts_per_core", "readings"), force=arguments.force)
    loads = phases(usable_cores(), free_bytes())
    repeats = arguments.repeats or 1
    total = len(loads) * repeats
    _say(
        f"{total} loads of {seconds:g} s each, about {duration(total * seconds)}. After each, type"
        " the mean watts that the plug showed over it, such as 41.2; empty skips it."
    )
    readings: list[PlugReading] = []
    for index, phase in enumerate(loads * repeats):
        _say(f"\nload {index + 1} of {total}: {phase.what}, for {seconds:g} s: watch the plug")
        reading = _ask(phase, seconds)
        if reading is not None:
            readings.append(reading)
    found = fit(readings)
    document = _document(found, readings)
    _write(path, document)
    if arguments.json:
        stored_study.print_json({**document, "file": str(path)})
    else:
        print(_text(found, document, path))
    return 0


def _ask(phase: Phase, seconds: float) -> PlugReading | None:
    """Hold a load and ask for its watts; None where it is skipped."""
    from energy_sweep.meter.calibrate import hold_load, plug_reading

    reading = hold_load(phase, seconds)
    if reading.contended:
        _say("other programs ran meanwhile, whose watts the plug showed too: better skip this one")
    while True:
        _say("mean watts at the plug: ", end="")
        line = sys.stdin.readline()
        if not line:
            raise BadInput(
                f"no watts for the load {phase.name}: type them, or give one line of standard input"
                " for each load (an empty one skips it)"
            )
        text = line.strip().removesuffix("W").rstrip()
        if not text:
            return None
        watts = _number(text)
        if watts is not None:
            return plug_reading(phase, reading, watts)
        problem = f"{text} is not a number of watts above 0: type one such as 41.2"
        if not sys.stdin.isatty():
            raise BadInput(problem)
        _say(problem)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None


def _document(found: Fit, readings: list[PlugReading]) -> JsonDict:
    from energy_sweep.hardware.cpu import cpu_model

    return {
        "cpu_watts_per_core": found.cpu_watts_per_core,
        "memory_watts_per_gib": found.memory_watts_per_gib,
        "idle_watts": found.idle_watts,
        "cpu_watts_band": _band(found),
        "readings": to_json(readings),
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": cpu_model(),
    }


def _band(found: Fit) -> list[float] | None:
    """The 95 % interval of the watts of a core; None where it is unknown, or reaches 0."""
    from energy_sweep.uncertainty.intervals import t_quantile

    if found.cpu_watts_error is None:
        return None
    half = t_quantile(found.degrees, 0.975) * found.cpu_watts_error
    low, high = found.cpu_watts_per_core - half, found.cpu_watts_per_core + half
    return [low, high] if low > 0 else None


def _write(path: Path, document: JsonDict) -> None:
    from energy_sweep.record.files import write_whole

    try:
        write_whole(path, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: type --to with a file of yours") from error


def _text(found: Fit, document: JsonDict, path: Path) -> str:
    memory, band = found.memory_watts_per_gib, document["cpu_watts_band"]
    lines = [
        f"idle             {watts_text(found.idle_watts)}",
        f"one busy core    {watts_text(found.cpu_watts_per_core)} above idle, {_sure(found, band)}",
        "one GiB in use   "
        + ("not told by these loads" if memory is None else f"{watts_text(memory)} above idle"),
        f"\n{path} has them. To use them, type",
        f"  {program(f'meter.calibration={quote_if_needed(str(path))}')}",
        f"  {program('front', '--calibration', str(path))}   (trials that ran before)",
        "The joules stay estimated: modelled from CPU seconds, with the watts of this machine.",
    ]
    return "\n".join(lines)


def _sure(found: Fit, band: list[float] | None) -> str:
    if band is not None:
        return f"at 95 % between {watts_text(band[0])} and {watts_text(band[1])}"
    if found.cpu_watts_error is None:
        return "how sure is unknown (--repeats 2 tells)"
    return "but so unsure that it may be 0 (more --repeats, longer --seconds)"


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)

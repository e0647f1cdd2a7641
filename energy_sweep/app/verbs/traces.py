"""The verb that makes a study of what others measured and published: trace."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from energy_sweep.app.stored_study import print_json
from energy_sweep.app.verbs import typed_numbers
from energy_sweep.record import BadInput
from energy_sweep.text import terminal
from energy_sweep.text.commands import program
from energy_sweep.traces import GPUS, Cell, ZeusTrace, grid_cells, target_cells

TRACES = tuple(f"zeus-{gpu}" for gpu in GPUS)


def options(parser: argparse.ArgumentParser) -> None:
    """Which trace, which of its cells, and what the study is called."""
    parser.add_argument("trace", choices=TRACES, metavar="TRACE", help=" | ".join(TRACES))
    parser.add_argument(
        "--epochs",
        type=typed_numbers.count,
        nargs="+",
        metavar="N",
        help="trainings of N epochs each (default: 10 20 30)",
    )
    parser.add_argument(
        "--to-accuracy",
        type=typed_numbers.positive,
        metavar="A",
        help="instead, trainings that end where they first reach A, in steps of .05",
    )
    parser.add_argument(
        "--limits", type=typed_numbers.count, nargs="+", metavar="W", help="only at W watts"
    )
    parser.add_argument("--name", metavar="STUDY", help="default: TRACE, or TRACE-to-A")


def trace(arguments: Namespace) -> None:
    """Write the cells of a trace as a study, and say what reads it."""
    from energy_sweep.traces.replay import replay  # which loads Optuna

    if arguments.epochs and arguments.to_accuracy:
        raise BadInput("--epochs and --to-accuracy each say where trainings end: type one of them")
    found = ZeusTrace.of(arguments.trace.removeprefix("zeus-"))
    to = arguments.to_accuracy
    name = arguments.name or arguments.trace + ("" if to is None else f"-to-{to:g}")
    cells = _cells(found, arguments)
    record = replay(found, cells, Path(arguments.outputs) / name, name)
    if arguments.json:
        print_json({"study": name, "trials": len(record.trials), "quality": record.meter.quality})
        return
    said = f"{len(record.trials)} trials of the trace {arguments.trace} are the study {name};"
    said += f" joules are {record.meter.quality}, as Zeus published them"
    print(terminal.prose(said, width=terminal.width_of()))
    print(f"  look at it: {program()} front {name} --objective training")


def _cells(found: ZeusTrace, arguments: Namespace) -> list[Cell]:
    known = sorted({limit for batch in found.batches for limit in found.limits(batch)})
    limits = arguments.limits
    if missing := sorted(set(limits or ()) - set(known)):
        typed = " ".join(map(str, known))
        raise BadInput(f"--limits {missing[0]}: the trace has {typed}: type some of them")
    if arguments.to_accuracy is None:
        lengths = {"epochs": arguments.epochs} if arguments.epochs else {}
        return list(grid_cells(found, limits=limits, **lengths))
    cells = list(target_cells(found, arguments.to_accuracy, limits=limits))
    if not cells:
        raise BadInput(
            f"--to-accuracy {arguments.to_accuracy:g}: no batch reached that in all of its runs:"
            " type less, such as 0.6"
        )
    return cells

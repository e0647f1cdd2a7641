"""The verbs that only look: front, stages."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections import defaultdict

from energy_sweep.app import stored_study, typed_watts
from energy_sweep.app.verbs.unit_options import units_of
from energy_sweep.record import (
    MEASURING_STAGES,
    TRAINING_STAGES,
    BadInput,
    JsonDict,
    StudyRecord,
    to_json,
)
from energy_sweep.text import terminal

MEBI = 2**20
ORDER = (*TRAINING_STAGES, *MEASURING_STAGES)


def options(parser: argparse.ArgumentParser) -> None:
    """The other form of a front."""
    parser.add_argument("--csv", action="store_true", help="print CSV instead of text")


def front(arguments: Namespace) -> None:
    """Print the front and the bill, priced by the objective that was asked for."""
    from energy_sweep.front import as_csv, as_document
    from energy_sweep.report.tables import tables
    from energy_sweep.report.units_text import front_units, units_document

    if arguments.json and arguments.csv:
        raise BadInput("one output has one form: type --json or --csv")
    units = units_of(arguments)
    stored = stored_study.load(arguments)
    if arguments.json:
        saved = [one.document for one in stored.priced.savings]
        document = as_document(stored.priced)
        more: JsonDict = {"savings": saved} if saved else {}
        if units is not None:
            more["units"] = units_document(stored.priced, stored.priced.front, units)
        stored_study.print_json({**document, **more})
    elif arguments.csv:
        print(as_csv(stored.priced), end="")
    else:
        width = terminal.width_of()
        anew = typed_watts.priced_text(stored.record, arguments)
        other = "" if units is None else front_units(stored.priced, units, width=width)
        told = tables(stored.priced, width=width), other, terminal.prose(anew, width=width)
        print(*filter(None, told), sep="\n\n")


def stages(arguments: Namespace) -> None:
    """Print what the store holds and which trials share it, measure it again, or clear it."""
    from energy_sweep.app.verbs.remeasurement import remeasure

    stored = stored_study.load(arguments)
    ran = remeasure(stored, allow=arguments.allow) if arguments.again else None
    freed = stored_study.clear(stored, arguments.stages) if arguments.clear else None
    users, records = _users(stored.record), stored.record.stages
    rows: list[JsonDict] = []
    for size in sorted(stored.store.sizes(), key=lambda size: ORDER.index(size.stage)):
        keys = [key for key, record in records.items() if record.stage == size.stage]
        shared = {key: users.get(key, []) for key in keys}
        uses = sum(len(trials) for trials in shared.values())
        rows.append({**to_json(size), "uses": uses, "trials": shared})
    if arguments.json:
        document = {"study": stored.record.name, "root": str(stored.store.root), "stages": rows}
        stored_study.print_json(document if freed is None else {**document, "freed_bytes": freed})
        return
    if ran is not None:
        trials = ", ".join(map(str, ran)) or "none, since no price rests on contended windows alone"
        print(f"measured again: {trials}")
    if freed is not None:
        print(f"{freed / MEBI:.1f} MiB of weights removed; every reading is kept")
    heading = ("stage", "runs", "uses", "files", "MiB")
    cells = [_size_cells(row) for row in rows]
    print(terminal.table(heading, cells, width=terminal.width_of()))


def _size_cells(row: JsonDict) -> tuple[str, ...]:
    counts = (str(row[name]) for name in ("records", "uses", "files"))
    return (row["stage"], *counts, f"{row['bytes'] / MEBI:.1f}")


def _users(record: StudyRecord) -> dict[str, list[int]]:
    users: defaultdict[str, list[int]] = defaultdict(list)
    for number, result in record.results:
        for use in result.stages:
            users[use.key].append(number)
    return dict(users)

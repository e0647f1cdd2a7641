"""The verb that serves Optuna's dashboard on this machine: of one study, or of all."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import webbrowser
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study
from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs import typed_numbers
from energy_sweep.record import BadInput, EnergySweepError
from energy_sweep.study.paths import PAGE, studies_below

if TYPE_CHECKING:
    from energy_sweep.study import StudyFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class ToServe:
    """A study, the folder it is served from, and how it is called."""

    stored: StoredStudy
    folder: Path
    name: str


def options(parser: argparse.ArgumentParser) -> None:
    """Where it is served, and what may be done there."""
    parser.add_argument("--port", type=typed_numbers.port, default=8080, help="default 8080")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--write", action="store_true", help="let notes be written, and trials and studies changed"
    )


def dashboard(arguments: Namespace) -> None:
    """Serve Optuna's dashboard on this machine until interrupted."""
    from energy_sweep import study
    from energy_sweep.study.elsewhere import read_elsewhere
    from energy_sweep.study.server import until_interrupted

    found = studies(arguments)
    if arguments.write and len(found) > 1:
        raise BadInput("--write is for one study: type dashboard NAME --write")
    if arguments.write and (note := read_elsewhere(found[0][1].folder)) is not None:
        raise BadInput(
            f"--write: the database of {found[0][0]} is elsewhere: leave --write out, or type"
            f" optuna-dashboard '{note.driver_url}'"
        )
    with ExitStack() as copies:
        served = [
            ToServe(
                stored=stored,
                folder=copies.enter_context(study.at_hand(stored.folder)),
                name=name,
            )
            for name, stored in found
        ]
        until_interrupted(lambda stop: serve(served, arguments, stop))


def studies(arguments: Namespace) -> list[tuple[str, StoredStudy]]:
    """The study that was typed, or all of the folder of outputs but for those that are damaged."""
    outputs: Path = arguments.outputs
    folders = studies_below(outputs) if arguments.name is None else []
    if len(folders) < 2:
        stored = stored_study.load(arguments)
        return [(stored.record.name, stored)]
    found: list[tuple[str, StoredStudy]] = []
    for folder in folders:
        name = str(folder.relative_to(outputs))
        try:
            found.append((name, stored_study.load(Namespace(**{**vars(arguments), "name": name}))))
        except EnergySweepError as error:
            print(f"left out: {name}: {' '.join(str(error).split())}", file=sys.stderr)
    if not found:
        raise BadInput(f"no study in {outputs} can be read: see the lines above")
    return found


def serve(served: Sequence[ToServe], arguments: Namespace, stop: threading.Event) -> None:
    """Put our pages and notes into the dashboard, say where it is, and serve it."""
    from energy_sweep import study

    shown = [
        _annotated(one, (index, len(served)), writable=arguments.write)
        for index, one in enumerate(served)
    ]
    _announce([one.name for one in served], f"http://127.0.0.1:{arguments.port}/", arguments)
    try:
        study.serve(shown, port=arguments.port, stop=stop, writable=arguments.write)
    except OSError as error:
        cure = "type --port 8081"
        raise BadInput(f"port {arguments.port}: {error.strerror}: {cure}") from error


def _annotated(one: ToServe, place: tuple[int, int], *, writable: bool) -> StudyFolder:
    from energy_sweep import study
    from energy_sweep.app.verbs.notes import study_note, trial_notes
    from energy_sweep.app.verbs.shown_trials import figures_of, shown_trials, study_lines
    from energy_sweep.report.html_page import write_page

    priced, page = one.stored.priced, one.folder / PAGE
    trials, steps = shown_trials(priced)
    write_page(priced, page)
    study.annotate(
        one.folder,
        one.stored.record,
        notes=trial_notes(priced),
        study_note=study_note(priced, None if writable else steps),
        report_path=page,
        place=place,
    )
    return study.StudyFolder(
        folder=one.folder,
        name=one.name,
        facts=study_lines(priced),
        trials=trials,
        figures=figures_of(priced),
    )


def _announce(names: Sequence[str], address: str, arguments: Namespace) -> None:
    """Say where a dashboard is served, and open it in a browser where there is a screen."""
    if arguments.json:
        told = {"study": names[0]} if len(names) == 1 else {"studies": list(names)}
        stored_study.print_json({**told, "address": address})
    else:
        rights = "" if arguments.write else "read-only; "
        what = names[0] if len(names) == 1 else f"{len(names)} studies"
        print(f"{what}: {address} ({rights}this machine only; Ctrl-C ends it)")
    sys.stdout.flush()
    if not arguments.no_browser and _has_screen():
        threading.Timer(1.0, webbrowser.open, [address]).start()


def _has_screen() -> bool:
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens)

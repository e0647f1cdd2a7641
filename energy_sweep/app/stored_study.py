"""Find a stored study by the name that was typed, and load it with the stages that price it."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.app.typed_watts import repriced
from energy_sweep.record import (
    BadInput,
    JsonDict,
    Objective,
    StudyRecord,
    TrialRecord,
)
from energy_sweep.study.paths import OUTPUTS, is_study, last_change, studies_below, studies_beside
from energy_sweep.text.commands import program

if TYPE_CHECKING:
    from energy_sweep.front import PricedStudy
    from energy_sweep.store import StageStore

GARBAGE_OBJECTS = 100_000  # are made before it is looked whether some are garbage


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredStudy:
    """A study on disk: its folder, everything known of it, and the store of its stages."""

    folder: Path
    record: StudyRecord
    store: StageStore
    objective: Objective = field(default_factory=Objective)
    is_constrained: bool = True

    @cached_property
    def priced(self) -> PricedStudy:
        """What follows from its prices, by the objective and constraints that were asked for."""
        from energy_sweep.front import PricedStudy
        from energy_sweep.study.forest import forest_shares

        return PricedStudy(self.record, self.objective, self.is_constrained, forest_shares)


def powercap(arguments: Namespace) -> JsonDict:
    """The setting for a root of RAPL counters, where one was typed."""
    root = arguments.powercap
    return {} if root is None else {"powercap": str(root)}


def find_study(name: str | None, outputs: Path) -> Path:
    """The folder of a study: by name, by path, or the latest; BadInput where there is none."""
    if name is None:
        return _latest(outputs)
    for folder in (outputs / name, Path(name)):
        if is_study(folder):
            return folder
    known = ", ".join(str(folder.relative_to(outputs)) for folder in studies_below(outputs))
    hint = f"type one of {known}" if known else f"type {_first_sweep(outputs)} to make one"
    raise BadInput(f"no study is called {name} in {outputs}: {hint}")


def study_words(folder: Path, outputs: Path) -> list[str]:
    """The words by which a verb finds a study: its name if it lies in `outputs`, or its path."""
    folder, root, here = folder.absolute(), outputs.absolute(), Path.cwd()
    if folder.is_relative_to(root) and not folder.relative_to(root).name.startswith("-"):
        within = [] if outputs == OUTPUTS else ["--outputs", str(outputs)]
        return [str(folder.relative_to(root)), *within]
    near = folder.relative_to(here) if folder.is_relative_to(here) else folder
    hidden = str(near).startswith("-") or is_study(OUTPUTS / near)
    return [str(folder if hidden else near)]


def _first_sweep(outputs: Path) -> str:
    where = [] if outputs == OUTPUTS else [f"outputs={quote_if_needed(str(outputs))}"]
    return program("-m", "batch=32,64,128", *where)


def load_named(name: str | None, arguments: Namespace) -> StoredStudy:
    """One of several studies that a command line names; None is the latest."""
    return load(Namespace(**{**vars(arguments), "name": name}))


def load(arguments: Namespace) -> StoredStudy:
    """The study that the command line names, with the readings of its meter."""
    from energy_sweep.front.unpriced import unpriced_text
    from energy_sweep.study.stored import load_study, store_of, with_stages

    folder = find_study(arguments.name, arguments.outputs)
    with _no_garbage():
        record = load_study(folder, {})
        meter = repriced(record.meter, arguments)
        store = store_of(folder, meter)
        record = with_stages(dataclasses.replace(record, meter=meter), store)
    asked = objective(arguments) if "objective" in arguments else Objective()
    stored = StoredStudy(
        folder=folder,
        record=record,
        store=store,
        objective=asked,
        is_constrained=not getattr(arguments, "unconstrained", False),
    )
    for line in filter(None, [*record.damage, unpriced_text(stored.priced.unpriced)]):
        print(f"damaged: {line}", file=sys.stderr)
    _tell_others(folder, arguments)
    return stored


def _tell_others(folder: Path, arguments: Namespace) -> None:
    """Say where the same was measured on other device classes, which have a front of their own."""
    others = [study_words(one, arguments.outputs)[0] for one in studies_beside(folder)]
    if others and not getattr(arguments, "json", False):
        names = " ".join(map(shlex.quote, [study_words(folder, arguments.outputs)[0], *others]))
        told = f"on other hardware too, with a front of its own each: type {program('report')}"
        print(f"{told} {names} for one page of all", file=sys.stderr)


@contextmanager
def _no_garbage() -> Generator[None]:
    """Look for no garbage among what is made inside, thousands of records: all of them stay.

    Nor among modules, and later on seldom.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE_OBJECTS)
        gc.enable()


def clear(stored: StoredStudy, named: Path | None = None) -> int:
    """Remove the weights of a study that no sweep is working on; gives the bytes freed.

    A store outside of the study's folder has to be `named`: a stranger's study may name yours.
    """
    from energy_sweep.study.links import check_links
    from energy_sweep.study.stored import is_outside
    from energy_sweep.study.workers import StudyBusyError, alone

    check_links(stored.folder)
    root = stored.store.root
    is_named = named is not None and os.path.realpath(named) == os.path.realpath(root)
    if is_outside(root, stored.folder) and not is_named:
        raise BadInput(
            f"the stages of {stored.record.name} lie in {root}, where others may have theirs:"
            f" type --stages {shlex.quote(str(root))} as well, to clear them for all"
        )
    try:
        with alone(stored.folder):
            if not stored.store.claim.is_held_by_any():
                return stored.store.clear()
    except StudyBusyError:
        pass
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}: its owner may clear it") from error
    raise BadInput(
        f"a sweep is working on {stored.record.name}, or with its stages: type stages --clear when"
        " it ends"
    )


def objective(arguments: Namespace) -> Objective:
    """The objective that the command line asks for."""
    return Objective(name=arguments.objective, images=arguments.images)


def trial_of(record: StudyRecord, number: int) -> TrialRecord:
    """The trial of this number; BadInput where the study has none."""
    for trial in record.trials:
        if trial.number == number:
            return trial
    numbers = [trial.number for trial in record.trials]
    span = f"0 to {max(numbers)}" if numbers else "none yet"
    raise BadInput(f"{record.name} has no trial {number}: type the number of a trial ({span})")


def print_json(value: Any) -> None:
    """Write one JSON document, and nothing else, to standard output."""
    print(json.dumps(value, indent=2, allow_nan=False))


def words(params: JsonDict) -> str:
    """Settings as they are typed on the command line."""
    return " ".join(f"{name}={value}" for name, value in params.items())


def _latest(outputs: Path) -> Path:
    found = studies_below(outputs)
    if not found:
        raise BadInput(f"no study in {outputs}: type {_first_sweep(outputs)} to make one")
    return max(found, key=last_change)

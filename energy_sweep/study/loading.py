"""Load a study to look at it, without Optuna: that takes longer to import than to read a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from energy_sweep.record import BadInput, StageRecord, StudyRecord
from energy_sweep.study.attributes import study_record
from energy_sweep.study.facts import NEEDED
from energy_sweep.study.journal import Lines, read_journal
from energy_sweep.study.merging import Merged, merge
from energy_sweep.study.paths import DATABASE, ELSEWHERE, JOURNAL, MULTIRUN, is_study
from energy_sweep.study.reading import Rows, UnreadableDatabase, read_database

EMPTY = "it is empty"


def load_study(folder: Path | str, stages: Mapping[str, StageRecord]) -> StudyRecord:
    """Everything known of the study in `folder`, which a sweep may be changing meanwhile.

    Nothing is written. What is damaged in one of its two files comes from the other, and is named.
    """
    folder = Path(folder)
    if not is_study(folder):
        raise BadInput(f"no study in {folder}: type -m with the axes to sweep to make one")
    known = read_study(folder)[0]
    if not known.facts:
        raise BadInput(_without_facts(folder))
    check_facts(folder, known)
    trials = [one.record for one in known.trials.values()]
    damage = tuple(f"{line}; the next sweep of this study mends it" for line in known.damage)
    return study_record(known.facts, trials, stages, damage)


def _without_facts(folder: Path) -> str:
    """Why a study says nothing of itself: a sweep that began has written how it was typed."""
    if (folder / MULTIRUN).is_file():
        return (
            f"{folder} has lost its {DATABASE} and {JOURNAL}, one of which would do: move it away,"
            " and run its sweep again"
        )
    return f"the study in {folder} was never begun: run its sweep again"


def read_study(
    folder: Path, read_rows: Callable[[], Rows | None] | None = None
) -> tuple[Merged, Lines]:
    """What both copies say, and the lines of the journal; BadInput where neither can be read.

    The journal first: whatever it holds, the database held before. Of a study whose database is
    elsewhere the journal says all, unless its rows are handed in.
    """
    reason, rows = None, None
    try:
        lines = read_journal(folder)
        try:
            if read_rows is not None or not (folder / ELSEWHERE).is_file():
                rows = read_database(folder) if read_rows is None else read_rows()
                reason = EMPTY if rows is None else None
        except UnreadableDatabase as error:
            reason = str(error)
    except OSError as error:
        raise BadInput(
            f"{error.filename}: {error.strerror}: ask whoever owns it for the right to read it"
        ) from error
    if rows is None and not lines.lines and (folder / DATABASE).is_file() and reason != EMPTY:
        raise BadInput(
            f"{folder / DATABASE} is damaged ({reason}), and no {JOURNAL} says what it held: put a"
            " copy of it there, or type name=OTHER for a new study; its stages are kept"
        )
    return merge(rows, reason, lines), lines


def check_facts(folder: Path, known: Merged) -> None:
    """BadInput where it is not known any more what all trials share."""
    missing = [name for name in NEEDED if name not in known.facts]
    if missing:
        raise BadInput(
            f"{folder}: what its files say of the study's {', '.join(missing)} is damaged: put a"
            f" copy of {DATABASE} or {JOURNAL} there, or type name=OTHER for a new study"
        )

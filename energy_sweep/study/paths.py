"""The layout of `outputs/`: a study's own files and folders, and which folder holds a study."""

from __future__ import annotations

import glob
import itertools
import os
import re
from pathlib import Path

OUTPUTS = Path("outputs")  # where studies lie unless something else is typed
EXPORTED = Path("exported")  # and where they are told to other tools, a folder for each
DATABASE = "study.db"
JOURNAL = "study.jsonl"  # a second copy of all that the database holds of ours
ELSEWHERE = "storage.json"  # where the database is, if it is not here
LOCK = ".sweep.lock"
MULTIRUN = "multirun.yaml"  # what its last sweep ran with
PAGE = "report.html"
STAGES = "stages"
TRIALS = "trials"  # its trials by their numbers
RESULT = "result.json"  # of a trial, in its folder
BESIDE_MARK, MOST_LETTERS = (
    "@",
    100,
)  # between a study's name and a device class; of a folder's name
BESIDE = ("-wal", "-shm")  # what SQLite keeps beside a database


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study, be it one whose database is lost."""
    return any((folder / name).is_file() for name in (DATABASE, JOURNAL))


def is_emptied(folder: Path) -> bool:
    """Whether the database of a folder holds nothing, and nothing beside it says what it held."""
    if (folder / ELSEWHERE).is_file():
        return False
    kept = (DATABASE, JOURNAL, f"{DATABASE}-wal")
    sizes = [path.stat().st_size for name in kept if (path := folder / name).is_file()]
    return not any(sizes)


# Folders of a study in which no other lies, and of which there are thousands below.
OWN = (STAGES, TRIALS)


def trial_config(study: Path, number: int | str) -> Path:
    """Where Hydra keeps what a trial of a study ran with."""
    return study / TRIALS / str(number) / ".hydra" / "config.yaml"


def studies_below(outputs: Path) -> list[Path]:
    """The folders of all studies in a folder and below it."""
    found = list[Path]()
    for folder, below, files in os.walk(outputs):
        if (DATABASE in files or JOURNAL in files) and is_study(Path(folder)):
            found.append(Path(folder))
            below[:] = [name for name in below if name not in OWN]
    return sorted(found)


def beside_name(name: str, device_class: str) -> str:
    """What a study is called that was measured on another device class than the one of a name."""
    words = re.findall(r"[a-z0-9]+", device_class.lower())
    return f"{name}{BESIDE_MARK}{'-'.join(words)}"[:MOST_LETTERS]


def studies_beside(folder: Path) -> list[Path]:
    """The studies of the same sweep on other device classes."""
    name = folder.name.split(BESIDE_MARK)[0]
    near = [folder.with_name(name), *folder.parent.glob(f"{glob.escape(name)}{BESIDE_MARK}*")]
    return sorted(one for one in near if one != folder and is_study(one))


def last_change(folder: Path) -> float:
    """When a study was changed last, in Unix seconds: new trials may be beside the database yet."""
    files = [*folder.glob(f"{DATABASE}*"), *folder.glob(JOURNAL)]
    return max(path.stat().st_mtime for path in files)


def spare(path: Path) -> Path:
    """The first free name for a damaged file that is kept: `FILE.damaged-1`, `FILE.damaged-2`."""
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def move_aside(database: Path) -> Path | None:
    """Move a damaged database, with what lies beside it, to a spare name; None where none is."""
    if not database.exists():
        return None
    kept = spare(database)
    os.replace(database, kept)
    for ending in BESIDE:
        beside = database.with_name(database.name + ending)
        if beside.exists():
            os.replace(beside, kept.with_name(kept.name + ending))
    return kept

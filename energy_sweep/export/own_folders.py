"""What an export wrote, told apart from the files of others: only that is written over."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from energy_sweep.record import BadInput
from energy_sweep.record.files import read_file, write_whole

MARK = "exported-by-energy_sweep.json"


def safe_name(study: str) -> str:
    """The name of a study as one of a folder, also where a stranger's study calls itself a path."""
    return re.sub(r"[^\w.+ -]", "-", study).lstrip(". -")[:100] or "study"


def fresh(folder: Path, to: str, study: str) -> None:
    """An empty folder for an export: what the one before wrote there goes, nothing else."""
    said = {"to": to, "study": study}
    if folder.is_symlink() or (folder.exists() and any(folder.iterdir())):
        if folder.is_symlink() or _json(folder / MARK) != said:
            raise BadInput(
                f"{folder} holds files that no export of {study} wrote: type --into with a new"
                " folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / MARK, json.dumps(said) + "\n")


def check_own_json(path: Path, keys: tuple[str, ...]) -> None:
    """BadInput unless a file is not there, or holds a document with just these keys."""
    found = _json(path) if path.exists() else None
    if path.exists() and (not isinstance(found, dict) or tuple(found) != keys):
        raise BadInput(f"{path} is no export of ours: type --into with another folder")


def _json(path: Path) -> object:
    try:
        return json.loads(read_file(path))
    except (OSError, ValueError):
        return None

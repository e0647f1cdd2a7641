"""Pythons of this machine by their version: on PATH, or among those that pyenv keeps."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# A Python within a virtual environment names the one that this was made of.
ASK = "import sys; print(*sys.version_info[:2], sep='.'); print(sys._base_executable)"


def find_python(version: str) -> Path | None:
    """A Python of this version such as "3.12", one that every user may run where there is one."""
    found = [path for one in _candidates(version) if (path := _answer(one, version)) is not None]
    return next(filter(is_for_all, found), found[0] if found else None)


def is_for_all(path: Path) -> bool:
    """Whether users who own nothing of it may run this file, by this name."""
    named, real = path.absolute(), path.resolve()
    parts = (*named.parents, real, *real.parents)
    return all(part.stat().st_mode & 0o001 for part in parts)


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(folder) / f"python{version}"
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
        yield from Path(root).glob(f"versions/{version}*/bin/python{version}")


def _answer(candidate: Path, version: str) -> Path | None:
    """What a candidate says it is; None where it does not run, or is another version."""
    if not candidate.is_file():
        return None
    done = subprocess.run([candidate, "-c", ASK], capture_output=True, text=True)
    said = done.stdout.split("\n")
    return Path(said[1]) if done.returncode == 0 and said[0] == version else None

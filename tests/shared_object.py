"""Libraries in C that stand at a boundary of the system, compiled once on a machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest


def shared_object(
    source: Path,
    name: str,
    *,
    flags: Sequence[str] = (),
    libraries: Sequence[str] = (),
    folder: Path | None = None,
) -> Path:
    """The compiled library `name`; without a compiler the test is skipped, and fails in CI.

    Each source is compiled once on a machine, whatever the number of test processes.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing = "no C compiler here: run scripts/install-system-packages"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    told = " ".join([compiler, *flags])
    key = hashlib.sha256(source.read_bytes() + told.encode()).hexdigest()
    folder = folder or Path(tempfile.gettempdir()) / f"energy_sweep-{source.stem}-{os.getuid()}"
    library = folder / key[:16] / name
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        fresh = library.with_suffix(f".{os.getpid()}")
        options = ["-shared", "-fPIC", "-O1", f"-Wl,-soname,{name}", *flags]
        command = [compiler, *options, "-o", str(fresh), str(source), *libraries]
        subprocess.run(command, check=True)
        fresh.replace(library)
    return library

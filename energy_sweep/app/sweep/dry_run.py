"""A sweep that only says what it would do: it works on a copy of the study, and leaves nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from energy_sweep.study.paths import DATABASE, JOURNAL


@contextmanager
def study_folder(folder: Path, *, dry: bool, is_new: bool) -> Generator[Path]:
    """Where a sweep opens its study: in its `folder`, or, where it is `dry`, in a copy of that.

    What a dry sweep has made of a folder that `is_new` goes with the copy.
    """
    if not dry:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="energy-sweep-") as place:
        for name in (DATABASE, JOURNAL):
            if (folder / name).is_file():
                shutil.copy2(folder / name, Path(place, name))
        yield Path(place)
    if is_new:
        shutil.rmtree(folder, ignore_errors=True)

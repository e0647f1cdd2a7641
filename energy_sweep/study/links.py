"""Links in a study's folder that lead out of it: nothing is written or deleted through one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from energy_sweep.record import BadInput


def check_links(folder: Path) -> None:
    """BadInput for a link within a folder that leads out of it, before anything is written there.

    The folder itself may be reached by links.
    """
    home = Path(os.path.realpath(folder))  # Path.resolve raises where links go in circles
    for link in _links(home):
        target = Path(os.path.realpath(link))
        if not target.is_relative_to(home):
            raise BadInput(
                f"{folder / link.relative_to(home)} is a link to {target}, outside of its folder:"
                " put what it leads to in its place, or remove it; stages=FOLDER names another"
                " place for stages"
            )


def _links(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (
            path for name in (*folders, *files) if (path := Path(parent, name)).is_symlink()
        )

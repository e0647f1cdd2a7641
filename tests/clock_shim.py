"""A wall clock that a test moves in other processes, while they run: by LD_PRELOAD of clock_shim.c.

`clock = MovedClock(tmp_path)`; start programs with `env=clock.environment()`; `clock.move(-3600)`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.shared_object import shared_object

SOURCE = Path(__file__).with_name("clock_shim.c")


@dataclass(frozen=True, slots=True)
class MovedClock:
    """The file in `folder` that says by how many seconds the clock of its programs is wrong."""

    folder: Path

    @property
    def file(self) -> Path:
        """What the programs read at every look at the clock."""
        return self.folder / "clock_seconds"

    def move(self, seconds: float) -> None:
        """Let the wall clock be wrong by so many seconds, from the next look on."""
        part = self.file.with_suffix(".part")
        part.write_text(f"{seconds}\n")
        part.replace(self.file)

    def environment(self) -> dict[str, str]:
        """What a program is started with."""
        library = shared_object(SOURCE, "clock_shim.so", libraries=("-ldl",))
        preloaded = [str(library), os.environ.get("LD_PRELOAD", "")]
        return {
            **os.environ,
            "LD_PRELOAD": " ".join(filter(None, preloaded)),
            "CLOCK_SHIM": str(self.file),
        }

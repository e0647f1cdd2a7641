"""A bar at the foot of a terminal, for work of known length."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REFRESH_SECONDS = 1.0  # drawing costs joules too


class Bar:
    """A bar at the foot of the terminal, redrawn at most once a second."""

    def __init__(self, total: int | None, measured: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress: Progress = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("", total=total, completed=measured)
        self._drawn = 0.0
        self._progress.start()

    def show(self, text: str, measured: int) -> None:
        """Say what runs now."""
        self._progress.update(self._task, description=text, completed=measured)
        if time.monotonic() - self._drawn >= REFRESH_SECONDS:
            self._progress.refresh()
            self._drawn = time.monotonic()

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()

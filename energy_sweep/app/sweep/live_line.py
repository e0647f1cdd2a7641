"""The line at the foot of a terminal while a sweep runs: how far it is, and what it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from energy_sweep.app.sweep.trial_text import duration
from energy_sweep.front import joules_text
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

DRAWINGS_A_SECOND = 1.0  # drawing costs joules too
GAP = terminal.GAP


@dataclass(slots=True, kw_only=True)
class SweepState:
    """What the line tells; None where it is not known yet."""

    quality: str
    measured: int = 0
    total: int | None = None
    spent_joules: float = 0.0
    saved_joules: float | None = None
    front: int | None = None
    doubt: float | None = None
    seconds_left: float | None = None
    now: str = ""
    since: float = field(default_factory=time.monotonic)  # when seconds_left was told

    def parts(self, stages: int) -> list[tuple[int, str]]:
        """What can be said, in the order of reading, each with its rank: 0 is said first."""
        count = f"{self.measured}/{self.total}" if self.total else f"{self.measured}"
        saved = self.saved_joules
        # Below nothing is saved: a sweep begins with what only a sweep does.
        told = f", saved {joules_text(saved)}" if saved is not None and saved > 0 else ""
        found = [
            (0, f"{count} trials"),
            (5, f"{stages} stages"),
            (1, f"spent {joules_text(self.spent_joules)}{told} {self.quality}"),
            (3, "" if self.front is None else f"front {self.front}"),
            (4, "" if self.doubt is None else f"doubt {self.doubt:.2g}"),
            (2, self._left()),
            (6, self.now),
        ]
        return [(rank, text) for rank, text in found if text]

    def _left(self) -> str:
        if self.seconds_left is None:
            return ""
        left = self.seconds_left - (time.monotonic() - self.since)
        return f"~{duration(max(0.0, left))} left"


def line_of(parts: Sequence[tuple[int, str]], width: int) -> str:
    """As many parts as fit, in their order; those of low rank come first into it."""
    kept: set[int] = set()
    for index in sorted(range(len(parts)), key=lambda one: parts[one][0]):
        more = kept | {index}
        if len(GAP.join(parts[one][1] for one in sorted(more))) <= width:
            kept = more
    return GAP.join(parts[one][1] for one in sorted(kept))


class LiveLine:
    """Draws the line on stderr once a second, below all else that is written meanwhile."""

    def __init__(self, state: SweepState, stages: Callable[[], int]) -> None:
        from rich.console import Console
        from rich.live import Live

        self.state = state
        self._stages = stages
        self._console = Console(stderr=True)
        self._live: Live = Live(
            console=self._console,
            refresh_per_second=DRAWINGS_A_SECOND,
            get_renderable=self._drawn,
            transient=True,
        )
        self._live.start()

    def say(self, line: str) -> None:
        """Write a line above."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the line away."""
        self._live.stop()

    def _drawn(self) -> Text:
        from rich.text import Text

        width = (terminal.width_of(sys.stderr) or self._console.width) - 1
        return Text(line_of(self.state.parts(self._stages()), width), no_wrap=True, end="")

"""What a hardware counter adds up to, through wraps, and where it cannot be believed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# More than this no board or package draws: a counter that says so was reset.
MOST_WATTS = 2000.0
# A counter may catch up on what it held back for so long (or 2 ticks).
SLACK_SECONDS = 0.1
# Without a tick for so long (or 3 ticks) a counter stands still.
FROZEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One hardware counter. `read` gives raw counts, or raises ReadingLost.

    It begins again at 0 after `span` counts (None: never); `label` names it in messages.
    """

    domain: str
    label: str
    read: Callable[[], int]
    joules_per_count: float
    tick_seconds: float
    span: int | None = None
    idle_watts: float | None = None
    most_watts: float = MOST_WATTS

    @property
    def patience_seconds(self) -> float:
        """How long it may stand still."""
        return max(FROZEN_SECONDS, 3 * self.tick_seconds)

    def most_counts(self, seconds: float) -> float:
        """More than this it cannot gain in `seconds`."""
        return self.most_watts * seconds / self.joules_per_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a counter has added up to. `breaks` counts how often it lost track before, and why.

    The tick that brought it here is up to `late_seconds` older than this look, for which the edge
    has waited `waited_seconds`.
    """

    counts: int
    seconds: float
    breaks: int
    trouble: str
    late_seconds: float
    waited_seconds: float = 0.0


class Accumulator:
    """Adds up what a counter gains, also where it begins again at 0; safe to share by threads.

    A gain beyond `most_watts`, a counter that stands still, and silence so long that it may have
    begun again unseen break the sum: no reading across a break is known.
    """

    def __init__(self, counter: Counter, clock: Callable[[], float] = time.monotonic) -> None:
        self._counter = counter
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self._moved = -math.inf
        self._counts = 0
        self._breaks = 0
        self._trouble = ""
        self._lock = threading.RLock()

    def update_now(self) -> Level:
        """Read the counter now; raises ReadingLost where it cannot be read, and keeps its sum."""
        with self._lock:  # what is read first must be added first
            before = self._clock()
            raw = self._counter.read()
            return self.update(raw, before, self._clock())

    def update(self, raw: int, before: float, after: float) -> Level:
        """Take one raw value that was read between two moments."""
        with self._lock:
            gain, trouble = 0, ""
            if self._last is not None:
                last, then = self._last
                gain = (
                    raw - last if self._counter.span is None else (raw - last) % self._counter.span
                )
                trouble = self._reason_to_doubt(gain, after - then, after)
            if trouble:
                self._breaks += 1
                self._trouble = trouble
            else:
                self._counts += gain
            if gain or trouble or self._last is None:
                self._moved = after
            self._last = (raw, before)
            return Level(
                counts=self._counts,
                seconds=after,
                breaks=self._breaks,
                trouble=self._trouble,
                late_seconds=self._counter.tick_seconds,
            )

    def _reason_to_doubt(self, gain: int, silence: float, now: float) -> str:
        """Why a gain after `silence` seconds cannot be believed, empty where it can."""
        counter = self._counter
        unseen = counter.most_counts(silence + counter.tick_seconds)
        if counter.span is not None and unseen >= counter.span:
            return "was not read for so long that it may have begun again unseen"
        if gain < 0:
            return "went backwards"
        if gain > counter.most_counts(silence + max(SLACK_SECONDS, 2 * counter.tick_seconds)):
            return f"jumped as if it drew more than {counter.most_watts:g} W: it was reset"
        if gain == 0 and now - self._moved > counter.patience_seconds:
            return "stood still"
        return ""

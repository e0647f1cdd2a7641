"""What every meter gives: windows over work, cut into marks, whose joules say where they come from.

Windows are exclusive (one at a time on this machine, see `lock`), marks of a window are disjoint
and leave no gap.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from energy_sweep.record import (
    BadInput,
    EnergyReading,
    EnergySweepError,
    JsonDict,
    Mark,
    MeterFacts,
    Quality,
    digest,
)


class MeterUnavailable(BadInput):
    """The source of joules that was asked for cannot be read here; `remedy` says what to type."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)
        self.why, self.remedy = why, remedy


class ReadingLost(EnergySweepError):
    """The joules of a window cannot be known: a counter was reset, stood still or went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a window is about to measure: a stage that handles `images` with a net of `parameters`.

    Where a window is cut into marks, `images` is the number of one mark unless the mark says so.
    """

    stage: str
    images: int
    parameters: int
    label: str = ""


# Reads the joules since the last call (the first time: since the window opened).
LapReading = Callable[[Work], EnergyReading]


class Window:
    """An open measurement; `marks` holds what is closed so far, also after an exception.

    `rest` is what was spent after the last mark, known once the window is closed.
    """

    def __init__(self, work: Work, lap: LapReading) -> None:
        self.work = work
        self.rest: EnergyReading | None = None
        self._lap = lap
        self._marks: list[Mark] = []

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(self._marks)

    def mark(self, units: float = 1.0, *, images: int | None = None) -> Mark:
        """Close the interval since the last mark, which did `units` of the work, and go on."""
        if self.rest is not None:
            raise RuntimeError(f"the window of {self.work.stage} is closed already")
        if not units > 0:
            raise ValueError(f"units={units}: a mark needs more than 0 units of work")
        work = self.work if images is None else replace(self.work, images=images)
        mark = Mark(units=float(units), reading=self._lap(work))
        self._marks.append(mark)
        return mark

    def close(self) -> None:
        """Read `rest` and take no more marks; closing twice does nothing."""
        if self.rest is None:
            self.rest = self._lap(replace(self.work, images=0))


class Meter(Protocol):
    """A source of joules, or several of disjoint domains."""

    def facts(self) -> MeterFacts:
        """Sources, domains, quality and coefficients, the same for every window."""
        ...

    def window(self, work: Work) -> AbstractContextManager[Window]:
        """Measure the body of a `with`; one that ends without a mark is one mark of 1 unit."""
        ...

    def close(self) -> None:
        """Give back what the meter holds; closing twice does nothing."""
        ...


@contextmanager
def exclusive_window(
    work: Work, begin: Callable[[ExitStack], LapReading], lock: AbstractContextManager[object]
) -> Generator[Window]:
    """A window that holds `lock`; `begin` reads the opening edge once the lock is held.

    What `begin` enters into the stack lasts until the window is closed.
    """
    with lock, ExitStack() as stack:
        window = Window(work, begin(stack))
        try:
            yield window
            if not window.marks:
                window.mark()
        except BaseException:
            with suppress(ReadingLost):  # what went wrong first is what the user has to know
                window.close()
            raise
        window.close()


def meter_id(facts: MeterFacts) -> str:
    """Digest of what makes readings comparable: sources and domains, not coefficients."""
    return digest({"sources": sorted(facts.sources), "domains": sorted(facts.domains)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a source of joules can do on this machine, for `energy-sweep meters`.

    `why` explains the state in one line; `remedy` says what to do about a missing source. Its
    counters move every `tick_seconds` by multiples of `resolution_joules`; `idle_watts` by domain
    are measured where a source can be.
    """

    source: str
    usable: bool
    quality: Quality
    domains: tuple[str, ...]
    why: str
    remedy: str = ""
    tick_seconds: float | None = None
    resolution_joules: float | None = None
    idle_watts: Mapping[str, float] = field(default_factory=dict[str, float])
    details: JsonDict = field(default_factory=dict[str, Any])

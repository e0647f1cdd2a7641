"""What a sweep says while it runs: its plan and price, and a line per trial."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from energy_sweep.app.config.levels import Levels
from energy_sweep.app.sweep.announce import meter_text, outcome_text, plan_text
from energy_sweep.app.sweep.certainty_text import begins_text, bought_text, certainty_text
from energy_sweep.app.sweep.plan_text import plan_lines
from energy_sweep.app.sweep.price_text import chosen_text, predicted_text, preview_text
from energy_sweep.app.sweep.trial_text import duration, fraction, words
from energy_sweep.front import joules_text
from energy_sweep.front.achieved import achieved
from energy_sweep.record import MeterFacts, Objective, StageRecord
from energy_sweep.search import Event, Finished, Outcome, Planned, Started
from energy_sweep.search.events import Bought, BuyingBegins, Chosen, Previewed
from energy_sweep.study import Identity
from energy_sweep.study.space import Axis
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REFRESH_SECONDS = 1.0  # drawing costs joules too


class ProgressPrinter:
    """Writes the events of a search to stderr: a bar on a terminal, else a line per trial.

    `plans` grows while the search goes on; each is told once. `levels` are told with the plan.
    """

    def __init__(
        self,
        *,
        axes: tuple[Axis, ...],
        meter: MeterFacts,
        plans: Mapping[str, StageRecord],
        objective: Objective,
        levels: Levels | None = None,
    ) -> None:
        self._axes = axes
        self._objective = objective
        self._meter = meter
        self._plans = plans
        self._levels = levels or Levels()
        self._plans_told = 0
        self._quality = meter.quality.value
        self._bar: Bar | None = None
        self._begun = time.monotonic()
        self._done = 0
        # Trials to run where they are more than the configurations, since seeds are repeated.
        self._repeats: frozenset[Identity] = frozenset()
        self._repeated = set[Identity]()
        self._is_buying = False

    def __enter__(self) -> ProgressPrinter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                width = terminal.width_of(sys.stderr)
                self._say(plan_text(event, self._axes, width=width))
                for line in self._levels.lines():
                    self._say(line)
                self._say(meter_text(self._meter, self._objective))
                if event.spent_joules:
                    spent = joules_text(event.spent_joules)
                    self._say(f"spent so far, all in: {spent} {self._quality}")
                self._tell_plans()
                self._begun = time.monotonic()
                if (
                    event.plan is not None
                    and len(event.plan.jobs) > (event.total or 0) - event.measured
                ):
                    self._repeats = frozenset(job.identity for job in event.plan.jobs)
                measured, total = self._count(event)
                if sys.stderr.isatty() and total != measured:
                    self._bar = Bar(total, measured)
            case Previewed():
                self._say(preview_text(event, self._quality))
            case Chosen():
                self._say(chosen_text(event, self._quality))
            case Started():
                self._tell_plans()
                if self._bar is not None:
                    self._bar.show(words(event.job.params), self._count(event)[0])
            case Finished():
                self._done += 1
                if event.error is None:
                    self._repeated |= self._repeats & {event.job.identity}
                width = terminal.width_of(sys.stderr)
                self._say(terminal.join_parts(self._finished(event), width=width))
            case BuyingBegins():
                self._is_buying = True
                self._say(begins_text(event, self._quality))
            case Bought():
                self._say(bought_text(event, self._quality))
            case Outcome():
                self._close()
                for one in event.certainty:
                    self._say(certainty_text(one, self._quality))
                self._say(outcome_text(event))
                if event.predicted:
                    self._say(predicted_text(event.predicted, self._quality))

    def _tell_plans(self) -> None:
        new = list(self._plans.values())[self._plans_told :]
        self._plans_told += len(new)
        for line in plan_lines(new):
            self._say(line)

    def _count(self, event: Planned | Started | Finished) -> tuple[int, int | None]:
        """How many are measured, of how many: configurations, or trials of repeated seeds."""
        if self._repeats:
            return len(self._repeated), len(self._repeats)
        return event.measured, event.total

    def _finished(self, event: Finished) -> list[str]:
        measured, total = self._count(event)
        count = f"{measured}/{total}" if total else str(measured)
        count = "" if self._is_buying else count  # what is bought is one more of those
        parts = [f"trial {event.number}", *filter(None, [count, words(event.job.params)])]
        if event.result is None:
            return [*parts, f"failed: {event.error}"]
        if event.result.infeasible is not None:
            parts.append(f"infeasible: {event.result.infeasible}")
        else:
            reached = achieved(event.result.config, event.result.facts).text
            parts += [reached] if reached else []
            parts.append(f"accuracy {fraction(event.result.accuracy or 0.0)}")
        if event.joules is not None:
            mark = ", contended" if event.contended else ""
            joules = f"{joules_text(event.joules)} {self._quality}{mark}"
            parts.append(f"{self._objective.name} {joules}")
        parts += [
            f"spent {joules_text(event.spent_joules)} {self._quality}",
            f"front {event.front}",
        ]
        return [*parts, *self._left(event)]

    def _left(self, event: Finished) -> list[str]:
        measured, total = self._count(event)
        left = (total or 0) - measured
        if left <= 0 or self._is_buying:
            return []
        seconds = (time.monotonic() - self._begun) / self._done * left
        return [f"left ~{duration(seconds)}"]

    def _say(self, text: str) -> None:
        width = terminal.width_of(sys.stderr)
        for line in text.splitlines():
            self._put(terminal.prose(line, width=width, indent=terminal.INDENT))

    def _put(self, line: str) -> None:
        if self._bar is not None:
            self._bar.say(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


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

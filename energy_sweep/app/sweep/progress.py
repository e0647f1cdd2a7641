"""What a sweep says while it runs: its plan and price, a line per trial, and one that moves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from energy_sweep.app.config.levels import Levels
from energy_sweep.app.sweep.announce import meter_text, others_text, outcome_text, plan_text
from energy_sweep.app.sweep.certainty_text import begins_text, bought_text, certainty_text
from energy_sweep.app.sweep.live_line import LiveLine, SweepState
from energy_sweep.app.sweep.plan_text import plan_lines
from energy_sweep.app.sweep.price_text import chosen_text, predicted_text, preview_text
from energy_sweep.app.sweep.trial_text import duration, finished_parts, words
from energy_sweep.front import joules_text
from energy_sweep.record import MeterFacts, Objective, StageRecord
from energy_sweep.search import Event, Finished, Outcome, Planned, Started
from energy_sweep.search.events import (
    Bought,
    BuyingBegins,
    Chosen,
    Previewed,
    TakenOver,
    Waiting,
)
from energy_sweep.study import Identity
from energy_sweep.study.space import Axis
from energy_sweep.text import terminal


class ProgressPrinter:
    """Writes the events of a search to stderr: a line per trial, and on a terminal a live one.

    `plans` grows while the search goes on; each is told once. `levels` are told with the plan;
    `stages` says how many are stored by now.
    """

    def __init__(
        self,
        *,
        axes: tuple[Axis, ...],
        meter: MeterFacts,
        plans: Mapping[str, StageRecord],
        objective: Objective,
        levels: Levels | None = None,
        stages: Callable[[], int] = lambda: 0,
    ) -> None:
        self._axes = axes
        self._objective = objective
        self._meter = meter
        self._plans = plans
        self._levels = levels or Levels()
        self._stages = stages
        self._plans_told = 0
        self._quality = meter.quality.value
        self._live: LiveLine | None = None
        self._state = SweepState(quality=self._quality)
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
                self._planned(event)
            case Previewed():
                self._say(preview_text(event, self._quality))
            case Chosen():
                self._say(chosen_text(event, self._quality))
            case Started():
                self._tell_plans()
                self._state.now = f"trial {event.number}: {words(event.job.params)}"
            case Waiting() | TakenOver():
                self._say(others_text(event))
            case Finished():
                self._done += 1
                if event.error is None:
                    self._repeated |= self._repeats & {event.job.identity}
                self._note(event)
                self._say(self._finished(event))
            case BuyingBegins():
                self._is_buying = True
                self._say(begins_text(event, self._quality))
            case Bought():
                self._state.doubt = event.doubt
                self._say(bought_text(event, self._quality))
            case Outcome():
                self._close()
                told = [certainty_text(one, self._quality) for one in event.certainty]
                self._say("\n".join([*told, outcome_text(event)]))
                if event.predicted:
                    self._say(predicted_text(event.predicted, self._quality))

    def _planned(self, event: Planned) -> None:
        """Tell the plan and its price, before anything is spent."""
        self._say(plan_text(event, self._axes, width=terminal.width_of(sys.stderr)))
        for line in self._levels.lines():
            self._say(line)
        self._say(meter_text(self._meter, self._objective))
        if spent := event.spent_joules:
            self._say(f"spent so far, all in: {joules_text(spent)} {self._quality}")
        self._tell_plans()
        self._begun = time.monotonic()
        if event.plan is not None and len(event.plan.jobs) > (event.total or 0) - event.measured:
            self._repeats = frozenset(job.identity for job in event.plan.jobs)
        measured, total = self._count(event)
        self._state.measured, self._state.total = measured, total
        self._state.spent_joules = event.spent_joules
        if sys.stderr.isatty() and total != measured:
            self._live = LiveLine(self._state, self._stages)

    def _note(self, event: Finished) -> None:
        """Keep what the live line tells of a trial that is over."""
        state = self._state
        state.measured, state.total = self._count(event)
        state.spent_joules, state.saved_joules = event.spent_joules, event.saved_joules
        state.front, state.now = event.front, ""
        state.seconds_left, state.since = self._seconds_left(event), time.monotonic()

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

    def _finished(self, event: Finished) -> str:
        measured, total = self._count(event)
        count = f"{measured}/{total}" if total else str(measured)
        parts = finished_parts(
            event,
            count="" if self._is_buying else count,  # what is bought is one more of those
            objective=self._objective.name,
            quality=self._quality,
        )
        if event.result is not None and (left := self._seconds_left(event)) is not None:
            parts.append(f"left ~{duration(left)}")
        return terminal.join_parts(parts, width=terminal.width_of(sys.stderr))

    def _seconds_left(self, event: Finished) -> float | None:
        measured, total = self._count(event)
        left = (total or 0) - measured
        if left <= 0 or self._is_buying:
            return None
        return (time.monotonic() - self._begun) / self._done * left

    def _say(self, text: str) -> None:
        wide = terminal.width_of(sys.stderr)
        for line in text.splitlines():
            self._put(terminal.prose(line, width=wide, indent=terminal.INDENT))

    def _put(self, line: str) -> None:
        if self._live is not None:
            self._live.say(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._live is not None:
            self._live.close()
            self._live = None

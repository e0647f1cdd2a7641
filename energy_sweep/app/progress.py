"""What a sweep says while it runs: its plan and price, a line per trial, what to type next."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from energy_sweep.app.plans import plan_lines
from energy_sweep.app.text import duration, fraction, words
from energy_sweep.front import joules_text
from energy_sweep.record import MeterFacts, StageRecord
from energy_sweep.search import Event, Finished, Outcome, Planned, Started
from energy_sweep.space import Axis

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REFRESH_SECONDS = 1.0  # drawing costs joules too


class Watch:
    """Writes the events of a search to stderr: a bar on a terminal, else a line per trial.

    `plans` grows while the search goes on; each is told once.
    """

    def __init__(
        self, *, axes: tuple[Axis, ...], meter: MeterFacts, plans: Mapping[str, StageRecord]
    ) -> None:
        self._axes = axes
        self._meter = meter
        self._plans = plans
        self._plans_told = 0
        self._quality = meter.quality.value
        self._bar: Bar | None = None
        self._begun = time.monotonic()
        self._done = 0

    def __enter__(self) -> Watch:
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
                self._say(plan_text(event, self._axes))
                self._say(meter_text(self._meter))
                self._tell_plans()
                self._begun = time.monotonic()
                if sys.stderr.isatty() and event.total != event.measured:
                    self._bar = Bar(event.total, event.measured)
            case Started():
                self._tell_plans()
                if self._bar is not None:
                    self._bar.show(words(event.job.params), event.measured)
            case Finished():
                self._done += 1
                self._say(self._finished(event))
            case Outcome():
                self._close()
                self._say(outcome_text(event))

    def _tell_plans(self) -> None:
        new = list(self._plans.values())[self._plans_told :]
        self._plans_told += len(new)
        for line in plan_lines(new):
            self._say(line)

    def _finished(self, event: Finished) -> str:
        count = f"{event.measured}/{event.total}" if event.total else str(event.measured)
        parts = [f"trial {event.number}", count, *filter(None, [words(event.job.params)])]
        if event.result is None:
            return "  ".join([*parts, f"failed: {event.error}"])
        if event.result.infeasible is not None:
            parts.append(f"infeasible: {event.result.infeasible}")
        else:
            parts.append(f"accuracy {fraction(event.result.accuracy or 0.0)}")
        if event.joules is not None:
            mark = ", contended" if event.contended else ""
            parts.append(f"{joules_text(event.joules)} {self._quality}{mark}")
        parts += [
            f"spent {joules_text(event.spent_joules)} {self._quality}",
            f"front {event.front}",
        ]
        return "  ".join([*parts, *self._left(event)])

    def _left(self, event: Finished) -> list[str]:
        left = (event.total or 0) - event.measured
        if left <= 0:
            return []
        seconds = (time.monotonic() - self._begun) / self._done * left
        return [f"left ~{duration(seconds)}"]

    def _say(self, line: str) -> None:
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


def plan_text(event: Planned, axes: tuple[Axis, ...]) -> str:
    """The axes and where each came from, what is to run, and what sharing stages saves."""
    width = max((len(axis.name) for axis in axes), default=0)
    values = [axis_text(axis) for axis in axes]
    column = max(map(len, values), default=0)
    lines = [
        f"  {axis.name:{width}}  {text:{column}}  {axis.source}"
        for axis, text in zip(axes, values, strict=True)
    ]
    if any(axis.source == "search.space" for axis in axes):
        lines.append("  (search/space=none drops the axes of search.space)")
    if event.adopted:
        numbers = ", ".join(map(str, event.adopted))
        lines.append(f"goes on with what a killed sweep left: trials {numbers}")
    lines.append(_work_text(event))
    return "\n".join(lines)


def meter_text(meter: MeterFacts) -> str:
    """Where the joules of a study come from, and why not from something better."""
    domains, sources = ", ".join(meter.domains), ", ".join(meter.sources)
    why = f"; {meter.details['why']}: see meters" if "why" in meter.details else ""
    return f"joules of {domains}: {meter.quality.value}, by {sources}{why}"


def _work_text(event: Planned) -> str:
    known = f"{event.measured} measured"
    if event.plan is None:
        total = event.total
        return f"{count_text(total)}, {known}; {event.sampler} chooses"
    new = len(event.plan.jobs)
    if not new:
        return f"{count_text(event.total)}, all measured: nothing new to run"
    alone, shared = event.plan.alone_epochs, event.plan.shared_epochs
    ratio = f" ({alone / shared:.1f} times fewer)" if shared and alone > 1.05 * shared else ""
    return (
        f"{count_text(event.total)}, {known}, {new} to run:"
        f" {alone:,.0f} epochs one by one, {shared:,.0f} with shared stages{ratio}"
    )


def count_text(total: int | None) -> str:
    """How many configurations are wanted; None where only another budget ends the sweep."""
    if total is None:
        return "configurations until the budget is used up"
    return f"{total} configuration{'' if total == 1 else 's'}"


def outcome_text(outcome: Outcome) -> str:
    """What became of the trials of this sweep, in one line."""
    parts = [f"{len(outcome.new)} new"]
    parts += [f"{len(outcome.infeasible)} infeasible"] if outcome.infeasible else []
    parts += [f"{len(outcome.failed)} failed"] if outcome.failed else []
    parts += [f"{outcome.repeats} known before"] if outcome.repeats else []
    reasons = {
        "done": "nothing is left in the space",
        "trials": "search.trials is reached",
        "joules": "search.joules is spent",
        "seconds": "search.seconds have passed",
        "failures": "search.max_failures in a row; the same command tries them again",
    }
    return f"{', '.join(parts)}; {reasons[outcome.stopped]}"


def next_commands(name: str, outputs: str) -> str:
    """What to type after a sweep."""
    where = "" if outputs == "outputs" else f" --outputs {shlex.quote(outputs)}"
    study = f"{shlex.quote(name)}{where}"
    verbs = [
        (f"front {study}", "the front again; --objective training|inference|lifetime re-prices it"),
        (f"choose {study} --min-accuracy 0.95", "one configuration, and why"),
        (f"report {study}", "one page to look at"),
        (f"dashboard {study}", "every trial, in Optuna's dashboard"),
        (f"deploy {study} --to deployed", "the chosen model as files"),
    ]
    width = max(len(verb) for verb, _ in verbs)
    lines = [f"  python -m energy_sweep {verb:{width}}  {meaning}" for verb, meaning in verbs]
    return "\n".join(["next:", *lines])


def axis_text(axis: Axis) -> str:
    """The values of an axis, or its interval."""
    if axis.values is not None:
        return ", ".join(map(str, axis.values))
    kind = ("whole, " if axis.integer else "") + ("log" if axis.log else "linear")
    return f"{axis.low:g} to {axis.high:g} ({kind})"

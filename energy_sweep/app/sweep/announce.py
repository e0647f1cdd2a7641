"""What a sweep says before and after its trials: axes, plan and price, outcome, what to type."""

from __future__ import annotations

import math
from collections.abc import Sequence

from energy_sweep.record import MeterFacts, Objective
from energy_sweep.report.figures import objective_text
from energy_sweep.search import Outcome, Planned
from energy_sweep.search.events import TakenOver, Waiting
from energy_sweep.study.space import Axis
from energy_sweep.text import terminal
from energy_sweep.text.commands import program

OURS = "next is always what is expected to add the most front for its joules"


def plan_text(event: Planned, axes: tuple[Axis, ...], *, width: int | None = None) -> str:
    """The axes and where each came from, what is to run, and what sharing stages saves."""
    lines = _axes_lines(axes, width)
    if any(axis.source == "search.space" for axis in axes):
        lines.append("  (search/space=none drops the axes of search.space)")
    if event.adopted:
        numbers = ", ".join(map(str, event.adopted))
        lines.append(f"goes on with what a killed sweep left: trials {numbers}")
    if event.others:
        many = "another worker is" if event.others == 1 else f"{event.others} other workers are"
        lines.append(f"{many} at it: trials are shared out, and so are their stages")
    lines.append(_work_text(event))
    if event.constraints:
        lines.append(f"looked for: {event.constraints}")
    if event.evaluated_again:
        lines.append(_again_text(event.evaluated_again))
    return "\n".join(lines)


def others_text(event: Waiting | TakenOver) -> str:
    """Which trials of others are waited for, or which one of ours has become theirs."""
    if isinstance(event, TakenOver):
        return f"trial {event.number} is dropped here: {event.why}"
    numbers = ", ".join(map(str, event.numbers))
    which = f"trial {numbers}" if len(event.numbers) == 1 else f"trials {numbers}"
    return f"nothing is left to begin: waiting for {which}, which others run"


def _again_text(count: int) -> str:
    """Which evaluations run once more, and why."""
    ones = f"{count} evaluation{'' if count == 1 else 's'}"
    return (
        f"{ones} of a former version once more, for which images each net got right:"
        " accuracies are then compared image by image, which tells more of them apart"
    )


def _axes_lines(axes: tuple[Axis, ...], width: int | None) -> list[str]:
    """The axes in columns; where there is no room for those, the values go on below themselves."""
    names = max((len(axis.name) for axis in axes), default=0)
    values = [axis_text(axis) for axis in axes]
    column = max(map(len, values), default=0)
    lines = [
        f"  {axis.name:{names}}  {text:{column}}  {axis.source}"
        for axis, text in zip(axes, values, strict=True)
    ]
    if width is None or max(map(len, lines), default=0) <= width:
        return lines
    return [
        terminal.join_parts(
            [f"  {axis.name:{names}}", text, axis.source], width=width, indent=" " * (names + 4)
        )
        for axis, text in zip(axes, values, strict=True)
    ]


def meter_text(meter: MeterFacts, objective: Objective) -> str:
    """Which joules the objective has, where they come from, and why not from something better."""
    domains, sources = ", ".join(meter.domains), ", ".join(meter.sources)
    why = f"; {meter.details['why']}: see meters" if "why" in meter.details else ""
    return (
        f"objective {objective.name}: {objective_text(objective)}\n"
        f"joules of {domains}: {meter.quality.value}, by {sources}{why}"
    )


def _work_text(event: Planned) -> str:
    known = f"{event.measured} measured"
    if event.plan is None:
        total = event.total
        chooses = OURS if event.sampler == "auto" else f"{event.sampler} chooses"
        return f"{count_text(total)}, {known}; {chooses}"
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
        "joules": "search.joules is spent, or too little of it left for any candidate",
        "seconds": "search.seconds have passed",
        "stagnation": "no candidate is expected to add 1 % to the front (search.until)",
        "doubt": "few members of the front are expected to be missing (search.until)",
        "plan": "search.dry_run=true: nothing was run",
        "failures": "search.max_failures in a row; the same command tries them again",
    }
    return f"{', '.join(parts)}; {reasons[outcome.stopped]}"


def next_commands(study: Sequence[str], *, best: float | None, width: int | None = None) -> str:
    """What to type after a sweep, `best` being the accuracy that can be asked for.

    A command is never broken; what it means goes below it.
    """
    verbs = [
        (["front"], "the front again; --objective training|inference|lifetime re-prices it"),
        (["report"], "one page to look at"),
        (["dashboard"], "every trial, in Optuna's dashboard"),
    ]
    if best is not None:
        least = f"{math.floor(100 * best) / 100:g}"
        verbs[1:1] = [(["choose", "--min-accuracy", least], "one configuration, and why")]
        verbs.append((["deploy", "--to", "deployed"], "the chosen model as files"))
    lines = [(program(verb, *study, *more), meaning) for (verb, *more), meaning in verbs]
    return "\n".join(["next:", *_beside(lines, width)])


def _beside(lines: Sequence[tuple[str, str]], width: int | None) -> list[str]:
    """Commands and what they mean, in two columns where there is room for those."""
    column = max(len(typed) for typed, _ in lines)
    found = [f"  {typed:{column}}  {meaning}" for typed, meaning in lines]
    if width is None or max(map(len, found)) <= width:
        return found
    prose = [terminal.prose(f"      {one}", width=width, indent=" " * 6) for _, one in lines]
    return [f"  {typed}\n{below}" for (typed, _), below in zip(lines, prose, strict=True)]


def axis_text(axis: Axis) -> str:
    """The values of an axis, or its interval."""
    if axis.values is not None:
        return ", ".join(map(str, axis.values))
    kind = ("whole, " if axis.integer else "") + ("log" if axis.log else "linear")
    return f"{axis.low:g} to {axis.high:g} ({kind})"

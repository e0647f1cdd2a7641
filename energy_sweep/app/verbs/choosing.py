"""The verb choose: one configuration, why it, what others would change, and what to type."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study, typed_watts
from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs.constraint_options import asked_of
from energy_sweep.app.verbs.unit_options import units_of
from energy_sweep.record import JsonDict, to_json
from energy_sweep.text import terminal
from energy_sweep.text.commands import program

if TYPE_CHECKING:
    from energy_sweep.front import Choice, PricedStudy
    from energy_sweep.front.other_units import OtherUnits


def choice_of(stored: StoredStudy, arguments: Namespace) -> Choice:
    """The configuration that the command line asks for."""
    from energy_sweep.front import selection

    return selection.choose(stored.priced, **asked_of(arguments))


def choose(arguments: Namespace) -> None:
    """Print one configuration, why it was chosen and what to type to run it again."""
    from energy_sweep.app.verbs import other_runtimes
    from energy_sweep.front import command
    from energy_sweep.report.figures import objective_text
    from energy_sweep.report.units_text import row_document

    asked_of(arguments)  # refuses two rules before anything is read
    units = units_of(arguments)
    stored = stored_study.load(arguments)
    if arguments.trial is not None:
        stored_study.trial_of(stored.record, arguments.trial)
    choice, name = choice_of(stored, arguments), stored.record.name
    number = choice.row.trial if arguments.trial is None else arguments.trial
    trial = stored_study.trial_of(stored.record, number)
    again = command(trial)
    again = " ".join([again, *map(shlex.quote, typed_watts.watts_words(arguments))])
    undecided = stored.priced.scale_rivals(choice.row.trial)
    if arguments.json:
        document = document_of(choice, again)
        if units is not None:
            told = row_document(_priced_with(stored, choice), choice.row, units)
            document["units"] = {**units.document, **told}
        stored_study.print_json({**document, "scale_dependent": list(undecided)})
        return
    found = stored_study.study_words(stored.folder, arguments.outputs)
    take = ["deploy", *found, "--trial", str(number), "--to", "DIR"]
    take += typed_watts.priced_by(arguments)
    priced = objective_text(stored.objective)
    anew = typed_watts.priced_text(stored.record, arguments)
    other = other_runtimes.offer(choice.row, trial, stored.record, stored.objective)
    width = terminal.width_of()
    print(
        terminal.prose(f"trial {number} of {name}, by accuracy and {priced}", width=width),
        terminal.prose(f"  why      {choice.why}", width=width),
        *_next_lines(choice, width=width),
        *_scale_lines(undecided, width=width),
        *_unit_lines(stored, choice, units, width=width),
        f"  run it   {again}",
        f"  take it  {program(*take)}",
        *_runtime_lines(other, width=width),
        *([terminal.prose(anew, width=width)] if anew else []),
        sep="\n",
    )


def _runtime_lines(other: str, *, width: int | None) -> list[str]:
    """What another runtime may change, and the command that shows it on a line of its own."""
    said, _, typed = other.partition(". To see: ")
    if not said:
        return []
    return [terminal.prose(f"  runtime  {said}. To see:", width=width), f"           {typed}"]


def document_of(choice: Choice, command: str) -> JsonDict:
    """What JSON says of a choice."""
    from energy_sweep.front.document import plain_row

    nexts: JsonDict | None = None
    if choice.next_bests is not None:
        found = choice.next_bests._asdict().items()
        nexts = {name: None if one is None else one.document for name, one in found}
    return {
        **plain_row(choice.row),
        "rule": choice.rule,
        "why": choice.why,
        "sure": to_json(choice.sureness),
        "next": nexts,
        "command": command,
    }


def _next_lines(choice: Choice, *, width: int | None) -> list[str]:
    """What the next best each way costs or saves."""
    if choice.next_bests is None:
        return []
    down, up = choice.next_bests
    lines = [
        f"  cheaper  {'nothing on the front costs less' if down is None else down.text}",
        f"  better   {'nothing is more accurate' if up is None else up.text}",
    ]
    return [terminal.prose(line, width=width) for line in lines]


def _priced_with(stored: StoredStudy, choice: Choice) -> PricedStudy:
    """The study with the row of a choice in it: a trial that is named may break its constraints."""
    has_row = choice.row.trial in stored.priced.row_by_trial
    return stored.priced if has_row else stored.priced.unconstrained


def _unit_lines(
    stored: StoredStudy, choice: Choice, units: OtherUnits | None, *, width: int | None
) -> list[str]:
    """The joules of a choice in other units."""
    if units is None:
        return []
    from energy_sweep.report.units_text import note_text, row_texts

    texts = row_texts(_priced_with(stored, choice), choice.row, units)
    lines = [*(f"  units    {text}" for text in texts)]
    lines.append(f"  factors  {note_text(stored.record.meter, units)}")
    return [terminal.prose(line, width=width) for line in lines]


def _scale_lines(others: Sequence[int], *, width: int | None) -> list[str]:
    if not others:
        return []
    from energy_sweep.report.tables import short

    text = f"whether it costs less than {short(others)} depends on the factors of the sources"
    return [terminal.prose(f"  scale    {text}: see front", width=width)]

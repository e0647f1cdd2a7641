"""A choice in words: which configuration it is, how sure that is, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from energy_sweep.front.configurations import contended_text, joules_text
from energy_sweep.front.merged import Row
from energy_sweep.front.sureness import Sureness, is_cheaper, is_more_accurate, percent_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import Quality
from energy_sweep.text.terminal import one_line

if TYPE_CHECKING:
    from energy_sweep.front.sureness import Better


def sure_texts(sureness: Sureness | None, better: Better) -> list[str]:
    """How sure a choice is, and what is not known of that."""
    if sureness is None:
        return []
    said, unknown = list[str](), list[str]()
    if sureness.min_accuracy is not None:
        said.append(f"{percent_text(sureness.min_accuracy)} sure to keep that accuracy")
    if sureness.max_joules is not None:
        percent = percent_text(sureness.max_joules)
        said.append(f"{percent} sure to keep those joules when measured again")
    elif sureness.constraints is None:
        unknown.append("keeps those joules")
    if sureness.runner_up is not None:
        named: dict[Better, str] = {is_cheaper: "cheaper", is_more_accurate: "more accurate"}
        than = f"{named.get(better, 'a better trade')} than trial {sureness.runner_up}"
        if sureness.beats_runner_up is None:
            unknown.append(f"is {than} (the runner-up)")
        else:
            percent = percent_text(sureness.beats_runner_up)
            said.append(f"{percent} sure to be {than}, the runner-up")
    known = [f"it is {' and '.join(said)}"] if said else []
    reason = "since contended joules say nothing"
    return known + ([f"whether it {' and '.join(unknown)} is not known, {reason}"] * bool(unknown))


def choice_text(row: Row, quality: Quality) -> str:
    """A row in one phrase: its axes, accuracy and joules."""
    named = one_line(" ".join(f"{name}={value_text(value)}" for name, value in row.params.items()))
    return (
        f"trial {row.trial}{f' ({named})' if named else ''},"
        f"{f' {row.achieved},' if row.achieved else ''} accuracy {row.accuracy:.3f} "
        f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}] (n = {row.n}) for "
        f"{joules_text(row.joules, row.uncertainty_joules)} {quality.value}"
        f"{f' ({contended_text(row.contended)})' if row.contended else ''}"
    )


def doubt_texts(row: Row) -> list[str]:
    """What speaks against a row, beyond the point values."""
    doubts = list[str]()
    if row.contended:
        doubts.append(
            f"other programs ran in all windows of its {', '.join(row.contended)}, so that its"
            " joules beat nothing until they are measured again"
        )
    if row.rivals:
        doubts.append(f"it cannot be told apart from {_trials(row.rivals)}")
    if row.beaten_by:
        are = "are" if len(row.beaten_by) > 1 else "is"
        doubts.append(
            f"{_trials(row.beaten_by)} {are} surely cheaper or more accurate, and not surely worse"
            " in anything"
        )
    return doubts


def _trials(numbers: Sequence[int]) -> str:
    return f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"

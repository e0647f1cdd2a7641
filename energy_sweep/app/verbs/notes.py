"""What the dashboard says in words: a note for each trial, and one for the study."""

from __future__ import annotations

import re
from collections.abc import Sequence

from energy_sweep.front import PricedStudy, Row, command, contended_text, joules_text
from energy_sweep.record import TrialRecord
from energy_sweep.report.figures import objective_text
from energy_sweep.report.tables import belongs, bill_sentence, wrong_sentence
from energy_sweep.text.terminal import one_line

MOST_RIVALS = 12


def trial_notes(priced: PricedStudy) -> dict[int, str]:
    """Markdown by trial number: accuracy, joules and their quality, and what to type."""
    members = {row.trial for row in priced.front}
    notes: dict[int, str] = {}
    broken = {
        row.trial: f"**Left out**: {priced.constraints.broken(row)}." for row in priced.excluded
    }
    for trial in priced.study.trials:
        row = priced.row_by_trial.get(trial.number)
        facts = _unmeasured(trial) if row is None else _measured(row, priced, members)
        facts = broken.get(trial.number, facts)
        again = f"```sh\n{command(trial)}\n```"
        notes[trial.number] = f"{facts}\n\nTo run this trial again:\n\n{again}\n"
    return notes


def study_note(priced: PricedStudy, steps: str | None) -> str:
    """Markdown that heads the study: what was spent, what it would have cost, and how sure.

    `steps` says what its intermediate values are, None where trials are shown as they are stored.
    """
    front = ", ".join(str(row.trial) for row in priced.front) or "none yet"
    return (
        f"**{_words(priced.study.name)}**: {len(priced.study.results)} trials by accuracy and"
        f" {objective_text(priced.objective)}, **{priced.quality}**.\n\n"
        f"On the front, cheapest first: {front}. {wrong_sentence(priced)}\n\n"
        f"{bill_sentence(priced)}\n\n"
        f"{_words(priced.scale_text)}\n\n"
        f"{_of_this_page(priced, steps)}\n"
    )


def _of_this_page(priced: PricedStudy, steps: str | None) -> str:
    """What of the dashboard is to be read otherwise than it looks."""
    if steps is None:
        return (
            "**How to read this dashboard.** Started with `--write`, it shows trials as they were"
            " told when they ended: *Best Trials* know neither pooled prices nor constraints,"
            " merged seeds or uncertainty. The front above is that of today."
            f" Numbers have no units there: accuracy is a share, joules are {priced.quality}."
        )
    out = len(priced.excluded) + len(priced.infeasible) + len(priced.unpriced)
    left = f" {out} trials that are out of the running are shown as *Pruned*." if out else ""
    return (
        "**How to read this dashboard.** Its values are those of today: joules pooled over equal"
        " work, seeds merged, so that *Best Trials* are the front above, though nothing"
        f" here knows uncertainty.{left} Numbers have no units there: accuracy"
        f" is a share, joules are {priced.quality}. *Intermediate Values* are {steps}."
        " *Hyperparameter Importance* is Optuna's, of these trials alone. What a sweep adds"
        " while this is open is shown as it was told; start the dashboard anew for today's prices."
    )


def _measured(row: Row, priced: PricedStudy, members: set[int]) -> str:
    place = "on the front" if row.trial in members else "dominated"
    place += f", {belongs(row)} sure to belong there" if row.belongs is not None else ""
    others = f"rivals within uncertainty: {_few(row.rivals)}"
    others += f"; beaten by {_few(row.beaten_by)}" if row.beaten_by else ""
    mark = f" ({contended_text(row.contended)})" if row.contended else ""
    seeds, reached = ", ".join(map(str, row.seeds)), row.achieved
    lines = [
        "| | |",
        "|---|---|",
        f"| accuracy | **{row.accuracy:.4f}** ({row.accuracy_low:.4f} to"
        f" {row.accuracy_high:.4f} at 95 %, {row.n_validation} images; n = {row.n}, seeds"
        f" {seeds}) |",
        *([f"| compression | level {row.level:g}: {reached} |"] if reached else []),
        f"| {objective_text(priced.objective)} | **{joules_text(row.joules)} {priced.quality}**,"
        f" ± {joules_text(row.uncertainty_joules)}{mark} |",
        f"| place | {place}; {others} |",
    ]
    for name, part in row.stages.items():
        if part.joules is not None:
            shared = f"shared with {part.shared_by} more" if part.shared_by else "its own"
            lines.append(f"| {name} | {joules_text(part.joules)}, {shared} |")
    return "\n".join(lines)


def _few(numbers: Sequence[int]) -> str:
    more = ", ..." if len(numbers) > MOST_RIVALS else ""
    return (", ".join(map(str, numbers[:MOST_RIVALS])) or "none") + more


def _unmeasured(trial: TrialRecord) -> str:
    if trial.result is not None and trial.result.infeasible:
        return f"**Infeasible**: {_words(trial.result.infeasible)}."
    if trial.result is not None and trial.state == "measured":
        return "**Measured**, but it cannot be priced, since readings are gone."
    return f"**{trial.state.capitalize()}**" + (f": {_words(trial.error)}" if trial.error else ".")


def _words(text: str) -> str:
    """Text of a study within Markdown: no tags, links or code of its own."""
    return re.sub(r"[\\`*_{}\[\]()#!|<>&]", lambda found: f"&#{ord(found[0])};", one_line(text))

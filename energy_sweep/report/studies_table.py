"""The fronts of several studies together, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from energy_sweep.front import PricedStudy, Row, joules_text
from energy_sweep.front.joint_front import InCommon, JointFront
from energy_sweep.front.sureness import percent_text
from energy_sweep.recipe.dials import Dials, value_text
from energy_sweep.report.cells import Cells
from energy_sweep.report.figures import objective_text
from energy_sweep.report.tables import axes_of, short
from energy_sweep.text import terminal

EFFICIENCY = "accuracy per joule"


def studies_table(joint: JointFront, *, apart: Sequence[str] = (), width: int | None = None) -> str:
    """One line for each study, one for each member of any front, and what the figures mean.

    `apart` are reasons why studies do not compare, which every line then says.
    """
    priced = next(iter(joint.studies.values()))
    title = (
        f"{len(joint.studies)} studies, by accuracy and {objective_text(priced.objective)}"
        f"{f', {priced.quality}' if not apart else ''}"
    )
    notes = [*(f"Do not compare: the studies {why}." for why in apart), *notes_of(joint)]
    telling = set(_telling(joint.studies, apart))
    (head, lines), (titles, rows) = studies_cells(joint, apart), members_cells(joint, apart)
    axes = axes_of([member.row for member in joint.members])
    left = {"study", "that stay", *telling}
    of_members = {"study", "trial", "stays", *telling, *axes}
    fold = (EFFICIENCY, "95 %", *reversed(axes))
    return "\n".join(
        [
            terminal.prose(title, width=width),
            terminal.table(head, lines, left=left, fold=("configurations",), width=width),
            "",
            terminal.table(titles, rows, left=of_members, fold=fold, width=width),
            *(terminal.prose(note, width=width) for note in notes),
        ]
    )


def _telling(studies: Mapping[str, PricedStudy], apart: Sequence[str]) -> dict[str, dict[str, str]]:
    """What sets studies apart: columns with a text for each study, where they differ."""
    if not apart:
        return {}
    facts = {
        "machine": {
            n: str(one.study.machine.get("device_class", "")) for n, one in studies.items()
        },
        "quality": {n: one.quality for n, one in studies.items()},
        "joules of": {n: ", ".join(one.study.meter.domains) for n, one in studies.items()},
        "watts": {
            n: ", ".join(f"{k} = {v:g}" for k, v in one.study.meter.coefficients.items())
            for n, one in studies.items()
        },
        "data": {n: str(one.study.identity.get("dataset", "")) for n, one in studies.items()},
        "images": {n: str(one.study.identity.get("split", ""))[:8] for n, one in studies.items()},
    }
    return {title: texts for title, texts in facts.items() if len(set(texts.values())) > 1}


def studies_cells(joint: JointFront, apart: Sequence[str] = ()) -> Cells:
    """The head and a line for each study, and all together."""
    telling = _telling(joint.studies, apart)
    head = ["study", *telling, "configurations", "front", "that stay", "hypervolume", "spent"]
    lines: list[list[str]] = []
    for name, one in joint.studies.items():
        area = joint.hypervolume(name)
        lines.append(
            [
                name,
                *(texts[name] for texts in telling.values()),
                str(len(one.rows)),
                str(len(one.front)),
                short(joint.survivors(name)),
                "-" if area is None else f"{area:.4f}",
                joules_text(one.spent_joules),
            ]
        )
    area = joint.hypervolume()
    if area is not None:
        counts = [sum(member.on_front for member in joint.members)]
        lines.append(
            ["together", *("" for _ in telling), "", *map(str, counts), "", f"{area:.4f}", ""]
        )
    return head, lines


def members_cells(joint: JointFront, apart: Sequence[str] = ()) -> Cells:
    """The head and a line for each member of any front, cheapest first."""
    telling = _telling(joint.studies, apart)
    axes = axes_of([member.row for member in joint.members])
    dials = {
        name: {trial.number: Dials.of(trial) for trial in one.study.trials}
        for name, one in joint.studies.items()
    }
    head = ["study", "trial", *telling, *axes, "accuracy", "95 %", "joules", EFFICIENCY, "stays"]
    lines = [
        [
            member.study,
            str(member.row.trial),
            *(texts[member.study] for texts in telling.values()),
            *(value_text(dials[member.study][member.row.trial].get(name)) for name in axes),
            *_figures(member.row),
            _stays(member.on_front, member.survives),
        ]
        for member in joint.members
    ]
    return head, lines


def _figures(row: Row) -> list[str]:
    interval = f"{row.accuracy_low:.3f} to {row.accuracy_high:.3f}"
    joules = joules_text(row.joules, row.uncertainty_joules)
    return [f"{row.accuracy:.3f}", interval, joules, efficiency_text(row)]


def efficiency_text(row: Row) -> str:
    """Accuracy for each joule of the objective; empty of what costs nothing."""
    return "" if row.efficiency is None else f"{row.efficiency:.3g}"


def _stays(on_front: bool, survives: float | None) -> str:
    said = "yes" if on_front else "no"
    return said if survives is None else f"{said} ({percent_text(survives)})"


def notes_of(joint: JointFront) -> list[str]:
    """What the figures of a joint front mean."""
    notes = [
        "stays: whether no member of any of these fronts is both more accurate and cheaper, by the"
        " figures; in brackets, the probability of that. Joules of two studies are of two runs, of"
        " which each has a factor of its own: the ± behind them holds here, unlike within a study.",
    ]
    if joint.members and joint.members[0].survives is None:
        notes = [notes[0].replace("; in brackets, the probability of that", "")]
    if joint.reference is not None:
        floor, ceiling = joint.reference
        notes.append(
            "hypervolume: accuracy times decades of joules that a front dominates, down to"
            f" accuracy {floor:.3f} and up to {joules_text(ceiling)}, which is .01 and 10 % beyond"
            " the worst member of all."
        )
    notes += [_common_text(one, joint.is_one_machine) for one in joint.in_common]
    limited = [name for name, one in joint.studies.items() if one.constraints]
    if limited:
        notes.append(f"The fronts of {', '.join(limited)} keep constraints; --unconstrained: all.")
    return notes


def _common_text(found: InCommon, is_one_machine: bool) -> str:
    """How much the joules of two studies differ where nothing else does."""
    ones = f"configuration{'s' * (found.configurations != 1)}"
    so_far = ": by so much two runs differ where nothing else does" * is_one_machine
    return (
        f"{found.first} and {found.second} have {found.configurations} {ones} in common, which cost"
        f" {found.ratio:.3g} times as much in {found.second} (median; {found.least:.3g} to"
        f" {found.most:.3g}){so_far}."
    )

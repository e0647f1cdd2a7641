"""The fronts of several studies as one page that needs no network."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path

from energy_sweep.front import PricedStudy, Row
from energy_sweep.front.joint_front import JointFront
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import JsonDict
from energy_sweep.record.files import write_whole
from energy_sweep.report.assemble import BASE, assemble_page
from energy_sweep.report.cells import html_table
from energy_sweep.report.figures import CONFIG, objective_text
from energy_sweep.report.section import Section
from energy_sweep.report.sections.units import units_section
from energy_sweep.report.studies_table import members_cells, notes_of, studies_cells
from energy_sweep.report.techniques import technique_sections


def write_studies_page(
    joint: JointFront, path: Path, *, apart: Sequence[str] = (), units: OtherUnits | None = None
) -> None:
    """Write the joint front to `path` as one self-contained HTML file."""
    write_whole(path, studies_page(joint, apart=apart, units=units))


def studies_page(
    joint: JointFront, *, apart: Sequence[str] = (), units: OtherUnits | None = None
) -> str:
    """All fronts on one figure, the studies and the members as tables, and what they mean.

    `apart` are reasons why the studies do not compare.
    """
    names = list(joint.studies)
    return assemble_page(
        title=f"{' and '.join(names)}: accuracy against joules",
        top=_top(joint, apart),
        data={"config": CONFIG},
        sections=[
            figure_section(joint, apart),
            *technique_sections(joint.studies),
            Section(key="studies", title="Studies", html=html_table(studies_cells(joint, apart))),
            Section(key="joint", title="Members", html=html_table(members_cells(joint, apart))),
            *_units(joint, units),
            _notes(joint),
        ],
        scripts=BASE,
    )


def _top(joint: JointFront, apart: Sequence[str]) -> str:
    first = next(iter(joint.studies.values()))
    stay = sum(member.on_front for member in joint.members)
    names = html.escape(" and ".join(joint.studies))
    warned = "".join(
        f"<p><strong>Do not compare</strong>: the studies {why}.</p>" for why in _safe(apart)
    )
    return (
        f'<p class="kicker">energy_sweep</p><h1>{names}</h1>'
        f"<p>{len(joint.members)} members of {len(joint.studies)} fronts, by accuracy and"
        f" {objective_text(first.objective)}; {stay} of them stay on the joint front.</p>{warned}"
    )


def _safe(texts: Sequence[str]) -> list[str]:
    return [html.escape(text) for text in texts]


def figure_section(joint: JointFront, apart: Sequence[str]) -> Section:
    """All fronts on one figure."""
    first = next(iter(joint.studies.values()))
    quality = "" if apart else f", {first.quality}"
    return Section(
        key="fronts",
        title="The fronts",
        html=(
            '<p class="soft">Large marks are members of a study\'s own front, with their 95 %'
            f" intervals{_shared(joint)}; hollow ones do not stay on the joint front. The stepped"
            " line is the accuracy that so many joules buy.</p>"
            '<div class="plot" id="fronts-figure" style="height: 32rem" role="img"'
            ' aria-label="Accuracy against joules, a colour for each study"></div>'
        ),
        data={
            "title": f"{first.objective.name} joules{quality}",
            "studies": [_study(joint, name, bool(apart)) for name in joint.studies],
        },
        script="studies.js",
    )


def _shared(joint: JointFront) -> str:
    """What bars along the joules leave out, since it moves all points of a study alike."""
    rows = [row for one in joint.studies.values() for row in one.front if row.joules > 0]
    own = max((row.noise_joules / row.joules for row in rows), default=0.0)
    everything = max((row.uncertainty_joules / row.joules for row in rows), default=0.0)
    if not everything:
        return ""
    return (
        f" (along the joules: beside the other points of its study, at most ±{100 * own:.2g} %; all"
        f" points of a study together are those of another run within ±{100 * everything:.2g} %)"
    )


def _study(joint: JointFront, name: str, is_apart: bool) -> JsonDict:
    priced = joint.studies[name]
    members = {one.row.trial: one for one in joint.members if one.study == name}
    machine = str(priced.study.machine.get("device_class", ""))
    front = [
        {
            **_point(row),
            "stays": members[row.trial].on_front,
            "survives": members[row.trial].survives,
        }
        for row in priced.front
    ]
    return {
        "name": name,
        "quality": priced.quality,
        "apart": machine if is_apart else "",
        "front": front,
        "dominated": [_point(row) for row in priced.dominated],
    }


def _point(row: Row) -> JsonDict:
    return {
        "trial": row.trial,
        "settings": [f"{name} = {value_text(value)}" for name, value in row.params.items()],
        "accuracy": row.accuracy,
        "low": row.accuracy_low,
        "high": row.accuracy_high,
        "joules": row.joules,
        "uncertainty": row.uncertainty_joules,
        "own": row.noise_joules,
    }


def _units(joint: JointFront, units: OtherUnits | None) -> list[Section]:
    """Every study in other units, where some were typed."""
    if units is None:
        return []
    made: list[Section] = []
    for place, (name, priced) in enumerate(joint.studies.items()):
        section = _in_units(priced, units)
        title = f"{name} in other units"
        made.append(dataclasses.replace(section, key=f"units-{place}", title=title))
    return made


def _in_units(priced: PricedStudy, units: OtherUnits) -> Section:
    found = units_section(units)(priced)
    return Section(key="units", title="", html="") if found is None else found


def _notes(joint: JointFront) -> Section:
    body = "".join(f"<p>{html.escape(note)}</p>" for note in notes_of(joint))
    return Section(key="notes", title="How to read it", html=f'<div class="soft">{body}</div>')

"""An experiment as one page that needs no network: its verdicts, and the front of each study."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from energy_sweep.front import PricedStudy
from energy_sweep.front.effects.claims import ClaimVerdict
from energy_sweep.front.joint_front import JointFront
from energy_sweep.record.files import write_whole
from energy_sweep.report.assemble import BASE, assemble_page
from energy_sweep.report.cells import html_table
from energy_sweep.report.figures import CONFIG
from energy_sweep.report.section import Section
from energy_sweep.report.studies_page import figure_section
from energy_sweep.report.studies_table import members_cells, studies_cells
from energy_sweep.report.techniques import technique_sections
from energy_sweep.report.verdict_table import HEAD, claim_lines, notes, verdict_cells

Texts = tuple[str, str, str]  # the name, the question and the source of an experiment


def write_experiment_page(
    path: Path,
    about: Texts,
    studies: Mapping[str, PricedStudy],
    verdicts: Sequence[ClaimVerdict],
) -> None:
    """Write the verdicts and all fronts to `path` as one self-contained HTML file."""
    write_whole(path, experiment_page(about, studies, verdicts))


def experiment_page(
    about: Texts, studies: Mapping[str, PricedStudy], verdicts: Sequence[ClaimVerdict]
) -> str:
    """Claims and controls as tables, then the fronts of all studies on one figure."""
    joint = JointFront(dict(studies), is_one_machine=True)
    return assemble_page(
        title=f"{about[0]}: claims and what was found",
        top=_top(about, studies),
        data={"config": CONFIG},
        sections=[
            *_verdicts("claims", [one for one in verdicts if not one.claim.control]),
            *_verdicts("controls", [one for one in verdicts if one.claim.control]),
            figure_section(joint, ()),
            *technique_sections(studies),
            Section(key="studies", title="Studies", html=html_table(studies_cells(joint))),
            Section(key="joint", title="Members", html=html_table(members_cells(joint))),
            _notes(studies),
        ],
        scripts=BASE,
    )


def _top(about: Texts, studies: Mapping[str, PricedStudy]) -> str:
    name, question, source = map(html.escape, about)
    first = next(iter(studies.values()))
    machine = html.escape(str(first.study.machine.get("device_class", "")))
    count = "1 study" if len(studies) == 1 else f"{len(studies)} studies"
    return (
        f'<p class="kicker">energy_sweep</p><h1>{name}</h1><p>{question}</p>'
        f'<p class="soft">{source}. {count} on {machine},'
        f" joules {first.quality}.</p>"
    )


def _verdicts(key: str, verdicts: Sequence[ClaimVerdict]) -> list[Section]:
    if not verdicts:
        return []
    table = html_table((HEAD, [verdict_cells(one) for one in verdicts]))
    said = "".join(f"<li>{html.escape(line.strip())}</li>" for line in claim_lines(verdicts))
    body = f'{table}<ul class="soft">{said}</ul>'
    return [Section(key=key, title=key.capitalize(), html=body)]


def _notes(studies: Mapping[str, PricedStudy]) -> Section:
    quality = next(iter(studies.values())).quality
    body = "".join(f"<p>{html.escape(note)}</p>" for note in notes(quality))
    return Section(key="notes", title="How to read it", html=f'<div class="soft">{body}</div>')

"""What a study found, to look at: one page that needs no network."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.front import PricedStudy
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.record.files import write_whole
from energy_sweep.report.assemble import assembled
from energy_sweep.report.page_data import page_data
from energy_sweep.report.sections import SECTIONS
from energy_sweep.report.top import top


def write_report(study: StudyRecord, objective: Objective | str, path: Path | str) -> None:
    """Write the study's report to `path` as one self-contained HTML file."""
    objective = Objective(objective) if isinstance(objective, str) else objective
    write_page(PricedStudy(study, objective), Path(path))


def write_page(priced: PricedStudy, path: Path) -> None:
    """The same of a study that is priced already."""
    write_whole(path, page(priced))


def page(priced: PricedStudy) -> str:
    """The report as HTML: the choice and the front to try out, then the sections."""
    made = (make(priced) for make in SECTIONS)
    return assembled(
        title=f"{priced.study.name}: accuracy against joules, {priced.quality}",
        top=top(priced),
        data=page_data(priced),
        sections=[section for section in made if section is not None],
    )

"""What a study found, to look at: one page that needs no network."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.front import PricedStudy
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.record.files import write_whole
from energy_sweep.report.assemble import assemble_page
from energy_sweep.report.page_data import page_data
from energy_sweep.report.sections import SECTIONS
from energy_sweep.report.sections.units import units_section
from energy_sweep.report.top import top


def write_report(study: StudyRecord, objective: Objective | str, path: Path | str) -> None:
    """Write the study's report to `path` as one self-contained HTML file."""
    objective = Objective(objective) if isinstance(objective, str) else objective
    write_page(PricedStudy(study, objective), Path(path))


def write_page(priced: PricedStudy, path: Path, units: OtherUnits | None = None) -> None:
    """The same of a study that is priced already, in other units too where there are some."""
    write_whole(path, page(priced, units))


def page(priced: PricedStudy, units: OtherUnits | None = None) -> str:
    """The report as HTML: the choice and the front to try out, then the sections."""
    more = () if units is None else (units_section(units),)
    *first, notes = SECTIONS  # how to read it all comes last
    made = (make(priced) for make in (*first, *more, notes))
    return assemble_page(
        title=f"{priced.study.name}: accuracy against joules, {priced.quality}",
        top=top(priced),
        data=page_data(priced),
        sections=[section for section in made if section is not None],
    )

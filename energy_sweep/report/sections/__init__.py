"""The sections of the page below its top, in their order: one module each makes one."""

from __future__ import annotations

from energy_sweep.report.section import MakeSection
from energy_sweep.report.sections.bill import bill_section
from energy_sweep.report.sections.compression_savings import savings_section
from energy_sweep.report.sections.front_table import front_section
from energy_sweep.report.sections.infeasible import infeasible_section
from energy_sweep.report.sections.reading_notes import notes_section

SECTIONS: tuple[MakeSection, ...] = (
    front_section,
    bill_section,
    savings_section,
    infeasible_section,
    notes_section,
)

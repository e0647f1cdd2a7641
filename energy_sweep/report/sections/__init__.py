"""The sections of the page below its top, in their order: one module each makes one."""

from __future__ import annotations

from energy_sweep.report.section import MakeSection
from energy_sweep.report.sections.axis_plots import axes_section, parallel_section
from energy_sweep.report.sections.bill import bill_section
from energy_sweep.report.sections.compression_savings import savings_section
from energy_sweep.report.sections.efficiency import efficiency_section
from energy_sweep.report.sections.front_growth import growth_section
from energy_sweep.report.sections.front_table import front_section
from energy_sweep.report.sections.importance import importance_section
from energy_sweep.report.sections.infeasible import infeasible_section
from energy_sweep.report.sections.joules_parts import parts_section
from energy_sweep.report.sections.joules_to_accuracy import target_section
from energy_sweep.report.sections.kept_connections import kept_section
from energy_sweep.report.sections.learning_curves import curves_section
from energy_sweep.report.sections.measuring_machine import machine_section
from energy_sweep.report.sections.reading_notes import notes_section

SECTIONS: tuple[MakeSection, ...] = (
    front_section,
    importance_section,
    axes_section,
    target_section,
    parallel_section,
    curves_section,
    parts_section,
    efficiency_section,
    savings_section,
    kept_section,
    growth_section,
    bill_section,
    infeasible_section,
    machine_section,
    notes_section,
)

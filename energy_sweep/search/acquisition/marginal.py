"""What a candidate would take beyond what the store holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from energy_sweep.record import StageRecord
from energy_sweep.search.acquisition.stage_table import Floats, StageTable

# Stages that go on where the store's record of them ends; any other is there, or is run whole.
EXTENDED = ("trunk", "cooldown", "recover", "teacher")


def marginal_units(table: StageTable, records: Mapping[str, StageRecord]) -> Floats:
    """Units of each stage of the table [U] that the store lacks."""
    held = np.zeros(len(table.works))
    for index, key in enumerate(table.works):
        record = records.get(key)
        if record is not None:
            held[index] = record.units
    there = np.array([key in records for key in table.works], dtype=np.bool_)
    left = np.clip(table.units - held[table.work], 0.0, None)
    return np.where(table.of_stages(EXTENDED), left, np.where(there[table.work], 0.0, table.units))


def marginal_joules(
    table: StageTable, records: Mapping[str, StageRecord], prices: Floats
) -> Floats:
    """Joules of each candidate [N] that are not yet paid, at a price for each cost [K]."""
    return table.sums(marginal_units(table, records) * prices[table.cost])

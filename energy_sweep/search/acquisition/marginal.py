"""What a candidate would take beyond what the store holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from energy_sweep.record import StageRecord
from energy_sweep.search.acquisition.stage_table import Floats, StageTable
from energy_sweep.search.run_order import EPOCH_STAGES


def marginal_units(table: StageTable, records: Mapping[str, StageRecord]) -> Floats:
    """Units of each stage of the table [U] that the store lacks.

    Epochs go on where the store's record of them ends; any other stage is there, or is run whole.
    """
    held = np.zeros(len(table.works))
    for index, key in enumerate(table.works):
        record = records.get(key)
        if record is not None:
            held[index] = record.units
    there = np.array([key in records for key in table.works], dtype=np.bool_)
    left = np.clip(table.units - held[table.work], 0.0, None)
    return np.where(
        table.of_stages(EPOCH_STAGES), left, np.where(there[table.work], 0.0, table.units)
    )

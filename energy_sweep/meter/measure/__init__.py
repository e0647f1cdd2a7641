"""Joules of a block of code, for anybody's program."""

from energy_sweep.meter.measure.reading import (
    Measured,
    measure,
    open_for_block,
    wait_for_torch,
)
from energy_sweep.meter.measure.total import per_busy_thread

__all__ = ["Measured", "measure", "open_for_block", "per_busy_thread", "wait_for_torch"]

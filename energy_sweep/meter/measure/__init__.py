"""Joules of a block of code, for anybody's program."""

from energy_sweep.meter.measure.reading import Measured, measure, wait_for_torch

__all__ = ["Measured", "measure", "wait_for_torch"]

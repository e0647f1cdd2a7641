"""The device: which chip does the work, and the levers that change what the work costs there."""

from energy_sweep.device.base import NAMES, Device
from energy_sweep.device.memory import OutOfMemory
from energy_sweep.device.power import restore_left_limits

__all__ = ["NAMES", "Device", "OutOfMemory", "restore_left_limits"]

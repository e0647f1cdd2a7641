"""Joules of NVIDIA boards, through NVML."""

from energy_sweep.meter.nvml.source import NvmlSource, boards_to_read, probe

__all__ = ["NvmlSource", "boards_to_read", "probe"]

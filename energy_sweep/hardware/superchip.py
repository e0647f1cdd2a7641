"""GPUs that are one module with a processor, whose energy counter is that of the module."""

from __future__ import annotations

from energy_sweep.hardware.gpu import MODULE_SCOPE, Board, library


def counts_module(board: Board) -> bool:
    """Whether the energy counter of a board holds a processor and its memory too.

    NVML's manual does not say. On GH200 it does (ml-energy/zeus, pull request 172), on GB10, whose
    GPU and processor are linked alike, it does not: so it takes a Hopper with a processor linked
    to it (NVLink-C2C), or the name where a driver does not tell of links.
    """
    nvml = library()
    try:
        if nvml.nvmlDeviceGetArchitecture(board.handle) != nvml.NVML_DEVICE_ARCH_HOPPER:
            return False
    except nvml.NVMLError:
        return False
    try:
        return bool(nvml.nvmlDeviceGetC2cModeInfoV(board.handle).isC2cEnabled)
    except nvml.NVMLError:
        return "GH200" in board.name


def module_watts(board: Board) -> float:
    """What the module of a board draws now; raises NotSupported where NVML does not tell."""
    return board.instant_watts(MODULE_SCOPE)

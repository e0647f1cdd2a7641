"""NVIDIA boards as NVML sees them: joules, watts, power limits and processes, found by UUID."""

from energy_sweep.board.base import (
    Board,
    BoardLost,
    BoardUnavailable,
    NoPermission,
    NotSupported,
    all_boards,
    driver_version,
    library_error,
)
from energy_sweep.board.choose import find_board, visible_boards

__all__ = [
    "Board",
    "BoardLost",
    "BoardUnavailable",
    "NoPermission",
    "NotSupported",
    "all_boards",
    "driver_version",
    "find_board",
    "library_error",
    "visible_boards",
]

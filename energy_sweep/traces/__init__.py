"""Trainings that others measured and published, as studies."""

from energy_sweep.traces.zeus import GPUS, Cell, ZeusTrace, grid_cells, target_cells

__all__ = ["GPUS", "Cell", "ZeusTrace", "grid_cells", "target_cells"]

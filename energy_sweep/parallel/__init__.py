"""One trial on several processes: a gang of ranks trains, and this process meters and stores."""

from energy_sweep.parallel.gang import Gang

__all__ = ["Gang"]

"""What a process and its descendants have used of the machine."""

from energy_sweep.meter.process.tree import OWN_TICK_SECONDS, Edge, ProcessTree, busy_seconds

__all__ = ["OWN_TICK_SECONDS", "Edge", "ProcessTree", "busy_seconds"]

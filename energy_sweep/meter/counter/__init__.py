"""Energy counters of hardware: added up through wraps, checked, and read at their ticks."""

from energy_sweep.meter.counter.accumulator import Accumulator, Counter, Level
from energy_sweep.meter.counter.source import CounterSource

__all__ = ["Accumulator", "Counter", "CounterSource", "Level"]

"""Joules modelled from CPU seconds and memory: always an estimate."""

from energy_sweep.meter.estimate.source import SOURCE, EstimateSource, probe, reprice

__all__ = ["SOURCE", "EstimateSource", "probe", "reprice"]

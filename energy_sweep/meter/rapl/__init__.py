"""Joules of CPU packages and of their memory, from RAPL."""

from energy_sweep.meter.rapl.source import ROOT, RaplSource, probe

__all__ = ["ROOT", "RaplSource", "probe"]

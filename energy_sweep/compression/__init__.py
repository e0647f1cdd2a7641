"""Ways to make a trained network smaller: one file a technique, all behind `base.Compression`."""

from energy_sweep.compression.base import Compression, NoCompression, Technique
from energy_sweep.compression.prune import Prune

__all__ = ["Compression", "NoCompression", "Prune", "Technique"]

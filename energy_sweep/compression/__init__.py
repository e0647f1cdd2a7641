"""Ways to make a trained network smaller: one file a technique, all behind `base.Compression`."""

from energy_sweep.compression.base import Compression, NoCompression, Round, Technique
from energy_sweep.compression.distill import Distill
from energy_sweep.compression.magnitude import Magnitude
from energy_sweep.compression.prune import Prune
from energy_sweep.compression.sparse import Sparse

__all__ = [
    "Compression",
    "Distill",
    "Magnitude",
    "NoCompression",
    "Prune",
    "Round",
    "Sparse",
    "Technique",
]

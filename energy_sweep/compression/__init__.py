"""Ways to make a trained network smaller: one file a technique, all behind `base.Compression`."""

from energy_sweep.compression.base import Compression, NoCompression, Round, Technique
from energy_sweep.compression.chain import Chain, Step
from energy_sweep.compression.distill import Distill
from energy_sweep.compression.halve import Halve
from energy_sweep.compression.lowrank import LowRank
from energy_sweep.compression.magnitude import Magnitude
from energy_sweep.compression.prune import Prune
from energy_sweep.compression.qat import Qat
from energy_sweep.compression.quantize import Quantize
from energy_sweep.compression.sparse import Sparse
from energy_sweep.compression.weight_only import WeightOnly

__all__ = [
    "Chain",
    "Compression",
    "Distill",
    "Halve",
    "LowRank",
    "Magnitude",
    "NoCompression",
    "Prune",
    "Qat",
    "Quantize",
    "Round",
    "Sparse",
    "Step",
    "Technique",
    "WeightOnly",
]

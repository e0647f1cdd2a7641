"""The samplers by name, known without loading Optuna."""

from __future__ import annotations

# By the names of Optuna's classes, which files in the style of hydra-optuna-sweeper type.
CLASSES = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "nsgaii": "NSGAIISampler",
    "nsgaiii": "NSGAIIISampler",
    "qmc": "QMCSampler",
    "cmaes": "CmaEsSampler",
    "random": "RandomSampler",
    "grid": "GridSampler",
}
SAMPLERS = tuple(CLASSES)

# Those that go through points in an order of their own, whatever is answered.
IN_ORDER = ("grid", "qmc")
# Those whose points descend from a generation of answers.
BREEDING = ("nsgaii", "nsgaiii", "cmaes")

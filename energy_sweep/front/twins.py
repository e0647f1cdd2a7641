"""The dense configuration that a compressed one is held against."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.front.configurations import Configuration
from energy_sweep.record import TrialResult, digest

# What makes a configuration a compressed one; the rest is the same in its dense twin, but for the
# epochs, which are more where compressed nets recover.
OWN = ("compression", "level", "teacher", "max_accuracy_loss", "epochs")
TRAINING = ("trunk", "cooldown", "recover")


def result_of(one: Configuration) -> TrialResult:
    """What the first of its trials found."""
    return one.runs[0][1]


def is_compressed(one: Configuration) -> bool:
    """Whether anything was compressed."""
    return bool(result_of(one).config.get("level", 0.0))


def twin_key(one: Configuration) -> str:
    """Equal for a compressed configuration and for those that it may be held against."""
    return digest({k: v for k, v in result_of(one).config.items() if k not in OWN})


def nearest_twin(one: Configuration, twins: Sequence[Configuration]) -> int:
    """Which dense twin was trained for as many epochs, or for the nearest number of them."""
    mine = epochs_of(one)
    return min(range(len(twins)), key=lambda index: abs(mine - epochs_of(twins[index])))


def epochs_of(one: Configuration) -> float:
    """Epochs of the net itself, recovery among them; a teacher's are not."""
    return sum(use.units for use in result_of(one).stages if use.stage in TRAINING)

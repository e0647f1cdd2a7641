"""What a study minimises beside the error of its nets: which joules are charged to a trial."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.record.bounds import check_count
from energy_sweep.record.errors import BadInput


@dataclass(frozen=True, slots=True)
class Objective:
    """Which joules go down while accuracy goes up; `images` is the life of a deployed model."""

    name: str = "lifetime"
    images: int = 100_000

    def __post_init__(self) -> None:
        if self.name not in ("training", "inference", "lifetime"):
            raise BadInput(f"objective={self.name}: type objective=training|inference|lifetime")
        check_count("objective.images", self.images, example=100_000)

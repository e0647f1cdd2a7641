"""Efficiency: accuracy over joules, which ranks only what is accurate enough."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.front.achieved import name_of
from energy_sweep.front.merged import Row
from energy_sweep.record import JsonDict

DENSE = "dense"


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A technique, or a chain of them, at the level that was carried out; level 0 is dense."""

    technique: str
    level: float

    @property
    def text(self) -> str:
        """How the kind is named in figures."""
        return f"{self.technique} {self.level:g}" if self.level else DENSE


def kind_of(row: Row) -> Kind:
    """What a configuration was compressed by."""
    compression: JsonDict | None = row.config.get("compression")
    return Kind(name_of(compression), row.level) if row.level and compression else Kind("", 0.0)


def efficiency(row: Row) -> float | None:
    """Percent of accuracy for each kilojoule of the objective; None where the joules are 0."""
    return 1e5 * row.accuracy / row.joules if row.joules > 0 else None

"""A sum that is kept exactly while parts come and go."""

from __future__ import annotations

from fractions import Fraction


class ExactSum:
    """What `math.fsum` gives of all parts, whatever their order, at the price of one addition a
    part."""

    def __init__(self) -> None:
        self._total = Fraction(0)

    def add(self, part: float) -> None:
        """Take a part in; one that is negative takes an equal one out."""
        self._total += Fraction(part)

    @property
    def value(self) -> float:
        return float(self._total)

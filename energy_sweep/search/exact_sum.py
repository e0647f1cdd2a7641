"""A sum that is kept exactly while parts come and go."""

from __future__ import annotations

_SHIFT = 1074  # every float is a whole number of 2 ** -1074


class ExactSum:
    """What `math.fsum` gives of all parts, whatever their order, at the price of one addition a
    part."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, part: float) -> None:
        """Take a part in; one that is negative takes an equal one out."""
        numerator, denominator = part.as_integer_ratio()
        self._total += numerator << (_SHIFT + 1 - denominator.bit_length())

    @property
    def value(self) -> float:
        return self._total / (1 << _SHIFT)

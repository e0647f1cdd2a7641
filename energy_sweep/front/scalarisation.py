"""Weights of accuracy and joules: one number for each configuration of a front."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from energy_sweep.front.merged import Row
from energy_sweep.front.ratios import LEAST_JOULES
from energy_sweep.record import BadInput

NAMES = ("accuracy", "joules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalarisation:
    """A weighted sum of accuracy and of the logarithm of joules, both counted between the ends of a
    front: 0 at its cheapest member, 1 at its most accurate. Joules count against."""

    accuracy: float = 0.0
    joules: float = 0.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Scalarisation:
        """Weights by name; BadInput for what nothing can be weighed by."""
        for name, weight in given.items():
            if name not in NAMES:
                raise BadInput(
                    f"weights of {name}: type weights of {' and '.join(NAMES)} alone, as in"
                    " accuracy=1,joules=2, and limit the rest (--max-bytes, --max-latency, ...)"
                )
            is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not is_number or not 0 <= weight < math.inf:
                raise BadInput(f"weights of {name}={weight}: type a number of at least 0")
        if not any(given.values()):
            raise BadInput("no weight is above 0: type weights such as accuracy=1,joules=2")
        return cls(**given)

    @property
    def document(self) -> dict[str, float]:
        """The weights by name."""
        return {name: getattr(self, name) for name in NAMES}

    @property
    def text(self) -> str:
        """The weights as they are typed."""
        return ",".join(f"{name}={weight:g}" for name, weight in self.document.items())

    def score(self, front: Sequence[Row]) -> Callable[[Any, Any], Any]:
        """What accuracy and log joules are worth between the ends of a front, cheapest first.

        What does not differ between the ends counts nothing.
        """
        low, high = front[0], front[-1]
        gain = high.accuracy - low.accuracy
        spend = log_joules(high) - log_joules(low)
        up = self.accuracy / gain if gain else 0.0
        down = self.joules / spend if spend else 0.0
        return lambda accuracy, joules: (
            up * (accuracy - low.accuracy) - down * (joules - log_joules(low))
        )


def log_joules(row: Row) -> float:
    """The logarithm of a row's joules; of what costs nothing, that of next to nothing."""
    return math.log(max(row.joules, LEAST_JOULES))

"""One effect: what going from one side to the other does to a figure, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass

from energy_sweep.front.effects.figures import ACCURACY
from energy_sweep.record import JsonDict
from energy_sweep.uncertainty.contrasts import Contrast

Names = tuple[str, str, str]  # of the axis, and of the sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The second side beside the first. `contrast` is of accuracies, or of log joules.

    `pairs` is how many runs were matched; of joules, `contrast.n` counts those alone that did
    other work. `meter_error` is the standard error that readings alone (of accuracies: images
    alone) leave, `seed_spread` the standard deviation of one pair over seeds at equal settings;
    None where no setting has several. `contended` says that other programs ran in all windows that
    a pair rests on. `also` names dials in which the sides differ besides.
    """

    figure: str
    axis: str
    first: str
    second: str
    contrast: Contrast
    meter_error: float
    seed_spread: float | None
    contended: bool
    pairs: int
    also: tuple[str, ...] = ()
    adjusted: float | None = None

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio of joules; else a difference of accuracies."""
        return self.figure != ACCURACY

    @property
    def estimate(self) -> float:
        """The second's joules over the first's, or its accuracy minus the first's."""
        return math.exp(self.contrast.change) if self.is_ratio else self.contrast.change

    @property
    def interval(self) -> tuple[float, float]:
        """At 95 %, of `estimate`."""
        low, high = self.contrast.low, self.contrast.high
        return (math.exp(low), math.exp(high)) if self.is_ratio else (low, high)

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        found = self.contrast
        return {
            "figure": self.figure,
            "axis": self.axis,
            "from": self.first,
            "to": self.second,
            "is_ratio": self.is_ratio,
            "estimate": self.estimate,
            "interval": list(self.interval),
            "p_value": found.p_value,
            "p_holm": self.adjusted,
            "test": found.test,
            "effect_size": found.size,
            "effect_size_name": found.size_name,
            "n": found.n,
            "n_other": found.n_other,
            "pairs": self.pairs,
            "spread": found.spread,
            "meter_error": self.meter_error,
            "seed_spread": self.seed_spread,
            "contended": self.contended,
            "also_differs_in": list(self.also),
        }

"""What a choice has to keep, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass

from energy_sweep.front.constraints import Constraints
from energy_sweep.front.merged import Row
from energy_sweep.front.sureness import Judgement, Sureness
from energy_sweep.record import BadInput

NONE = Constraints()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Constraints of a choice; `sure` is the probability with which it keeps those of accuracy and
    joules."""

    constraints: Constraints = NONE
    sure: float | None = None

    @property
    def text(self) -> str:
        """The constraints in words; empty where there are none."""
        return self.constraints.text

    def keeps(self, row: Row, judgement: Judgement | None) -> bool:
        """Whether a row keeps them, by its point values and, where asked for, as surely."""
        return self.excess(row) == 0 and (
            self.sure is None or (self.sureness(row, judgement).constraints or 0.0) >= self.sure
        )

    def sureness(self, row: Row, judgement: Judgement | None) -> Sureness:
        """How sure it is that a row keeps them."""
        if judgement is None:
            raise BadInput("sure= is known of a study only: hand in the study instead of its rows")
        known = self.constraints
        return judgement.of(row, min_accuracy=known.min_accuracy, max_joules=known.max_joules)

    def check(self) -> None:
        """Raise BadInput for limits that nothing can keep."""
        self.constraints.check()
        known, sure = self.constraints, self.sure
        if sure is not None and not 0 < sure < 1:
            raise BadInput(f"sure={sure:g}: type a probability between 0 and 1, such as 0.95")
        if sure is not None and known.min_accuracy is None and known.max_joules is None:
            raise BadInput(
                f"sure={sure:g} of what? Type a least accuracy or the most joules as well"
                " (--min-accuracy, --max-joules)"
            )

    def excess(self, row: Row) -> float:
        """How far a row is outside, in shares of each limit."""
        return math.fsum(max(0.0, over) for over in self.constraints.violations(row).values())

"""What a choice has to keep, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.front.configurations import joules_text
from energy_sweep.front.merged import Row
from energy_sweep.front.sureness import Judgement, Sureness
from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Constraints of a choice; `sure` is the probability with which it keeps all of them."""

    min_accuracy: float | None = None
    max_joules: float | None = None
    sure: float | None = None

    @property
    def text(self) -> str:
        """The constraints in words; empty where there are none."""
        accuracy, joules = self.min_accuracy, self.max_joules
        parts = [] if accuracy is None else [f"accuracy of at least {accuracy:g}"]
        parts += [] if joules is None else [f"at most {joules_text(joules)}"]
        return " and ".join(parts)

    def keeps(self, row: Row, judgement: Judgement | None) -> bool:
        """Whether a row keeps them, by its point values and, where asked for, as surely."""
        return self.excess(row) == 0 and (
            self.sure is None or (self.sureness(row, judgement).constraints or 0.0) >= self.sure
        )

    def sureness(self, row: Row, judgement: Judgement | None) -> Sureness:
        """How sure it is that a row keeps them."""
        if judgement is None:
            raise BadInput("sure= is known of a study only: hand in the study instead of its rows")
        return judgement.of(row, min_accuracy=self.min_accuracy, max_joules=self.max_joules)

    def check(self) -> None:
        """Raise BadInput for limits that nothing can keep."""
        accuracy, joules, sure = self.min_accuracy, self.max_joules, self.sure
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise BadInput(f"min_accuracy={accuracy:g}: type a fraction, such as 0.95")
        if joules is not None and not joules > 0:
            raise BadInput(f"max_joules={joules:g}: type a number of joules above 0")
        if sure is not None and not 0 < sure < 1:
            raise BadInput(f"sure={sure:g}: type a probability between 0 and 1, such as 0.95")
        if sure is not None and not self.text:
            raise BadInput(
                f"sure={sure:g} of what? Type a least accuracy or the most joules as well"
                " (--min-accuracy, --max-joules)"
            )

    def excess(self, row: Row) -> float:
        """How far a row is outside, in shares of each limit."""
        floor = self.min_accuracy or 0.0
        over = 0.0 if self.max_joules is None else row.joules / self.max_joules - 1
        return max(0.0, floor - row.accuracy) / (floor or 1) + max(0.0, over)

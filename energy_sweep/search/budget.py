"""What a search may spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from energy_sweep.record import BadInput
from energy_sweep.record.bounds import MOST_COUNTED, check_count, check_positive

LIMITS = ("trials", "joules", "seconds", "max_failures", "until")
STAGNATION, DOUBT = "stagnation", "doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to stop: `trials` counts configurations measured in the study, not in the command.

    `joules` and `seconds` count what the store's metered windows have used, whoever ran them, so
    that the same command twice does nothing new. `max_failures` in a row end the sweep. `until` is
    "stagnation" or "doubt=SHARE", by which a search of ours ends itself.
    """

    trials: int | None = None
    joules: float | None = None
    seconds: float | None = None
    max_failures: int = 3
    until: str | None = None

    def __post_init__(self) -> None:
        check_count("search.max_failures", self.max_failures, example=3, most=MOST_COUNTED)
        if self.trials is not None:
            check_count("search.trials", self.trials, example=20, most=MOST_COUNTED)
        for name in ("joules", "seconds"):
            if (limit := getattr(self, name)) is not None:
                check_positive(f"search.{name}", limit, example=600)
        if self.until is not None and self.until != STAGNATION:
            _ = self.least_doubt

    def used_up(self, joules: float, seconds: float) -> Literal["joules", "seconds"] | None:
        """Which of the two is used up by what was spent."""
        if self.joules is not None and joules >= self.joules:
            return "joules"
        if self.seconds is not None and seconds >= self.seconds:
            return "seconds"
        return None

    @property
    def least_doubt(self) -> float | None:
        """The doubt at which a search ends; None where `until` asks for none."""
        if self.until is None or self.until == STAGNATION:
            return None
        word, _, number = str(self.until).partition("=")
        try:
            doubt = float(number)
        except ValueError:
            doubt = -1.0
        if word != DOUBT or not 0 < doubt < 1:
            raise BadInput(
                f"search.until={self.until}: type search.until=stagnation, or"
                " search.until=doubt=0.1, a share between 0 and 1"
            )
        return doubt

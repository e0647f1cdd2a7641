"""What a search may spend."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.record.bounds import MOST_COUNTED, check_count, check_positive

LIMITS = ("trials", "joules", "seconds", "max_failures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to stop: `trials` counts configurations measured in the study, not in the command.

    `joules` and `seconds` count what the store's metered windows have used, whoever ran them, so
    that the same command twice does nothing new. `max_failures` in a row end the sweep.
    """

    trials: int | None = None
    joules: float | None = None
    seconds: float | None = None
    max_failures: int = 3

    def __post_init__(self) -> None:
        check_count("search.max_failures", self.max_failures, example=3, most=MOST_COUNTED)
        if self.trials is not None:
            check_count("search.trials", self.trials, example=20, most=MOST_COUNTED)
        for name in ("joules", "seconds"):
            if (limit := getattr(self, name)) is not None:
                check_positive(f"search.{name}", limit, example=600)

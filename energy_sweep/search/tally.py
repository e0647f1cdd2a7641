"""What became of the trials of one command."""

from __future__ import annotations

from dataclasses import dataclass, field

from energy_sweep.record import TrialResult
from energy_sweep.search.events import Certainty, Outcome, Stop


@dataclass(slots=True)
class TrialTally:
    """What became of the trials of one command, by their numbers."""

    new: list[int] = field(default_factory=list[int])
    infeasible: list[int] = field(default_factory=list[int])
    failed: list[int] = field(default_factory=list[int])
    failures_in_a_row: int = 0
    predicted: tuple[tuple[float, float], ...] = ()

    def failure(self, number: int) -> None:
        """Count a trial that failed."""
        self.failed.append(number)
        self.failures_in_a_row += 1

    def success(self, number: int, result: TrialResult) -> None:
        """Count a trial that has a result."""
        self.failures_in_a_row = 0
        (self.new if result.infeasible is None else self.infeasible).append(number)

    def outcome(self, *, repeats: int, stopped: Stop, certainty: tuple[Certainty, ...]) -> Outcome:
        """All of it, once it is over."""
        return Outcome(
            new=tuple(self.new),
            infeasible=tuple(self.infeasible),
            failed=tuple(self.failed),
            repeats=repeats,
            stopped=stopped,
            certainty=certainty,
            predicted=self.predicted,
        )

"""Trials that could not be finished for a reason of their own, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from energy_sweep.front.configurations import known_joules, measured_runs
from energy_sweep.front.prices import Prices, demand
from energy_sweep.recipe.dials import Dials
from energy_sweep.record import JsonDict, Objective, StudyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class InfeasibleRow:
    """An infeasible trial, and the joules of the training it did (None where not metered)."""

    trial: int
    params: JsonDict
    reason: str
    joules: float | None


def infeasible_rows(
    study: StudyRecord, prices: Prices, *, names: Sequence[str]
) -> tuple[InfeasibleRow, ...]:
    """The infeasible trials of a study, with the axes `names`."""
    training = Objective(name="training")
    return tuple(
        InfeasibleRow(
            trial=trial.number,
            params=Dials.of(trial).pick(names),
            reason=result.infeasible,
            joules=known_joules(demand(result, training), prices),
        )
        for trial, result in measured_runs(study)
        if result.infeasible is not None
    )

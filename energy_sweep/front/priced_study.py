"""A study with its prices: what all faces show of it, each part computed once, when first asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.bill import BillLine, bill
from energy_sweep.front.configurations import (
    Configuration,
    Row,
    rows_of,
)
from energy_sweep.front.domination import pareto
from energy_sweep.front.importance import Forest, Importance, axis_importance
from energy_sweep.front.infeasible import InfeasibleRow, infeasible_rows
from energy_sweep.front.priced_configurations import PricedConfigurations
from energy_sweep.front.ratio_noise import noise_joules
from energy_sweep.front.remembered import remembered_text
from energy_sweep.front.rivals import compared
from energy_sweep.front.savings import Saving, savings
from energy_sweep.front.scale import (
    Pair,
    ScaleFactor,
    dependent_pairs,
    factors_text,
    joules_by_source,
    orders_text,
    scale_factors,
)
from energy_sweep.record import Objective


class PricedStudy(PricedConfigurations):
    """A study as one objective prices it; its rows and front keep the constraints of the study,
    unless it is looked at without."""

    @cached_property
    def unconstrained(self) -> PricedStudy:
        """The same study with all its rows."""
        if not self.constraints:
            return self  # and what was computed
        return PricedStudy(self.study, self.objective, is_constrained=False, forest=self.forest)

    def by(self, objective: Objective) -> PricedStudy:
        """The same study by another objective; the prices of its work stay."""
        found = replace(self, objective=objective)
        vars(found)["prices"] = self.prices
        return found

    @cached_property
    def excluded(self) -> tuple[Row, ...]:
        """Rows of those that have a price, and break a constraint, by lowest trial number."""
        if not self.constraints:
            return ()
        return tuple(row for row in self.unconstrained.rows if not self.constraints.keeps(row))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row per configuration that has a price, by lowest trial number."""
        points = [(one.accuracy, one.joules(self.prices)[0]) for one in self.priced]
        return rows_of(
            self.accuracies,
            self.prices,
            self.study.stages,
            names=self.axes,
            beside=compared(sorted(pareto(points)), self.accuracies, self.ratios),
            belonging=self.doubt.belonging().tolist(),
            noise=noise_joules(self.ratios).tolist(),
        )

    @cached_property
    def expected_wrong(self) -> float:
        """How many rows of the front are expected not to belong to it."""
        return math.fsum(1 - (row.belongs or 0.0) for row in self.front)

    @cached_property
    def row_by_trial(self) -> Mapping[int, Row]:
        """The row of each measured trial that has a price."""
        found = zip(self.priced, self.rows, strict=True)
        return {trial.number: row for one, row in found for trial, _ in one.runs}

    def configuration(self, trial: int) -> Configuration:
        """The priced configuration whose lowest trial is that of a row."""
        return next(one for one in self.priced if one.trial == trial)

    @cached_property
    def front(self) -> tuple[Row, ...]:
        """The rows that none dominates, cheapest first."""
        return tuple(self.rows[index] for index in _front(self.rows))

    @cached_property
    def dominated(self) -> tuple[Row, ...]:
        """The other rows, cheapest first."""
        members = {row.trial for row in self.front}
        others = [row for row in self.rows if row.trial not in members]
        return tuple(sorted(others, key=lambda row: (row.joules, row.trial)))

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """All rows, those of the front first."""
        return (*self.front, *self.dominated)

    @cached_property
    def scale_factors(self) -> tuple[ScaleFactor, ...]:
        """The factors that the joules of each source may be off by."""
        records = self.study.stages.values()
        readings = (mark.reading for record in records for mark in record.marks)
        return scale_factors(self.study.meter, readings)

    @cached_property
    def scale_dependent(self) -> tuple[Pair, ...]:
        """Pairs of trials, one on the front, of which those factors decide which is cheaper."""
        demands = {one.trial: one.demand for one in self.priced}
        return dependent_pairs(
            [row.trial for row in self.front],
            {row.trial: row.rivals for row in self.front},
            lambda trial: joules_by_source(demands[trial], self.prices),
            self.scale_factors,
        )

    def scale_rivals(self, trial: int) -> tuple[int, ...]:
        """The trials that cost less than this one or more, as those factors are."""
        pairs = [pair for pair in self.scale_dependent if trial in pair]
        return tuple(first if second == trial else second for first, second in pairs)

    @property
    def scale_text(self) -> str:
        """What is not known of all joules together, which orders depend on it, and which of them
        are of an earlier study."""
        factors = self.scale_factors
        said = factors_text(factors, self.quality), orders_text(factors, self.scale_dependent)
        return " ".join(filter(None, (*said, remembered_text(self.study))))

    @cached_property
    def infeasible(self) -> tuple[InfeasibleRow, ...]:
        """The infeasible trials."""
        return infeasible_rows(self.study, self.prices, names=self.axes)

    @cached_property
    def bill(self) -> Mapping[str, BillLine]:
        """By stage, what was spent, and what it would have been one by one."""
        return bill(self.study, self.prices)

    @property
    def spent_joules(self) -> float:
        """All that the sweep spent."""
        return math.fsum(line.spent_joules for line in self.bill.values())

    @property
    def attributed_joules(self) -> float:
        """What its trials would have spent one by one."""
        return math.fsum(line.attributed_joules for line in self.bill.values())

    @cached_property
    def importance(self) -> Importance | None:
        """Which axis matters, over all configurations, those that break a constraint too."""
        return self.exact_importance or self._importance(self.forest)

    @cached_property
    def exact_importance(self) -> Importance | None:
        """The same where they are a complete grid; None elsewhere."""
        return self._importance(None)

    def _importance(self, forest: Forest | None) -> Importance | None:
        whole = self.unconstrained
        return axis_importance(whole.rows, whole.axes, beliefs=lambda: whole.beliefs, forest=forest)

    @cached_property
    def savings(self) -> tuple[Saving, ...]:
        """Every compressed configuration that has a dense twin, by trial number."""
        return self._savings(None)

    @cached_property
    def savings_on_front(self) -> tuple[Saving, ...]:
        """Those of the front."""
        return self._savings({row.trial for row in self.front})

    def _savings(self, trials: set[int] | None) -> tuple[Saving, ...]:
        everybody = len(self.priced) == len(self.configurations)
        table = self.accuracies if everybody else AccuracyTable(self.configurations)
        return savings(table, self.prices, self.scale_factors, trials=trials)


def _front(rows: tuple[Row, ...]) -> tuple[int, ...]:
    return pareto([(row.accuracy, row.joules) for row in rows])

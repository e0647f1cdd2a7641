"""The configurations of a study with their prices, and how sure both are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.configurations import (
    Configuration,
    configurations,
    price_list,
    varying,
)
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.doubt import Beliefs, Doubt
from energy_sweep.front.importance import Forest
from energy_sweep.front.limited import LimitedFigures, limited_figures
from energy_sweep.front.prices import Prices
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import Objective, StudyRecord


@dataclass(frozen=True, eq=False)
class PricedConfigurations:
    """What a study measured, as one objective prices it; `forest` tells which axis matters where
    the grid has holes."""

    study: StudyRecord
    objective: Objective = field(default_factory=Objective)
    is_constrained: bool = True
    forest: Forest | None = None

    @property
    def quality(self) -> str:
        """How the study's joules were obtained, in one word."""
        return self.study.meter.quality.value

    @cached_property
    def prices(self) -> Prices:
        """The pools of the study's own store."""
        return price_list(self.study)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names, as typed, of the axes along which trials differ, but for the seed."""
        return varying(self.study)

    @cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """The measured configurations, by lowest trial number."""
        return configurations(self.study, self.objective)

    @cached_property
    def constraints(self) -> Constraints:
        """What configurations have to keep."""
        return Constraints.of(self.study.constraints if self.is_constrained else {})

    @cached_property
    def priced(self) -> tuple[Configuration, ...]:
        """Those that have a price, and keep the constraints."""
        if not self.constraints:
            return self._known
        return tuple(one for one in self._known if self.constraints.keeps(self._figures(one)))

    def _figures(self, one: Configuration) -> LimitedFigures:
        joules, _ = one.joules(self.prices)
        return limited_figures(one.accuracy, joules, [run for _, run in one.runs], self.prices.pool)

    @cached_property
    def _known(self) -> tuple[Configuration, ...]:
        """Those that have a price; that none of several has one is an error."""
        known = tuple(one for one in self.configurations if one.is_priced(self.prices))
        if self.configurations and not known:
            self.configurations[0].joules(self.prices)  # which says why not
        return known

    @cached_property
    def unpriced(self) -> tuple[int, ...]:
        """The trials that fronts leave out, since readings that they rest on are gone."""
        gone = (one for one in self.configurations if not one.is_priced(self.prices))
        return tuple(sorted(trial.number for one in gone for trial, _ in one.runs))

    @cached_property
    def accuracies(self) -> AccuracyTable:
        """How the accuracies of `priced` compare."""
        return AccuracyTable(self.priced)

    @cached_property
    def doubt(self) -> Doubt:
        """What is believed of `priced`."""
        return Doubt(self.accuracies, self.ratios)

    @property
    def beliefs(self) -> Beliefs:
        """Joint draws of the accuracies and joules of `priced`, in that order."""
        return self.doubt.beliefs

    @cached_property
    def ratios(self) -> Ratios:
        """How the joules of `priced` compare."""
        demands = [one.demand for one in self.priced]
        return Ratios(demands, self.prices, self.study.meter.scale_band_of)

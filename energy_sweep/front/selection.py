"""Which configuration is worth its joules: the choice of one, why, and what others would change."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from energy_sweep.front.choice_text import (
    choice_text,
    doubt_texts,
    named_text,
    nearest_text,
    sure_texts,
    wanted_text,
)
from energy_sweep.front.configurations import Row
from energy_sweep.front.configurations import command as command
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.domination import hypervolume as hypervolume
from energy_sweep.front.domination import pareto as pareto
from energy_sweep.front.limits import Limits
from energy_sweep.front.next_best import NextBests, next_bests
from energy_sweep.front.own_net import own_net_text
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.rules import EFFICIENCY, NO_FLOOR, TRIAL, Rule, rule_name, rule_of
from energy_sweep.front.scalarisation import Scalarisation
from energy_sweep.front.sureness import Judgement, Sureness, percent_text
from energy_sweep.record import BadInput, NothingFits, Objective, Quality, StudyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The configuration chosen, by which rule, and why in one sentence.

    Of bare rows it is not known how sure that is, nor what the next best each way changes: None.
    """

    row: Row
    rule: str
    why: str
    sureness: Sureness | None = None
    next_bests: NextBests | None = None


def pareto_numbers(study: StudyRecord, objective: Objective) -> tuple[int, ...]:
    """Trial numbers of the front, cheapest first, without the cost of whole rows."""
    priced = PricedStudy(study, objective)
    points = [(one.accuracy, one.joules(priced.prices)[0]) for one in priced.priced]
    return tuple(priced.priced[index].trial for index in pareto(points))


def rows(study: StudyRecord, objective: Objective | str = "lifetime") -> tuple[Row, ...]:
    """One row per measured configuration that has a price, by lowest trial number."""
    objective = Objective(objective) if isinstance(objective, str) else objective
    return PricedStudy(study, objective).rows


def choose(
    found: Sequence[Row] | StudyRecord | PricedStudy,
    *,
    min_accuracy: float | None = None,
    max_joules: float | None = None,
    constraints: Constraints | Mapping[str, Any] | None = None,
    rule: str | None = None,
    weights: Mapping[str, Any] | None = None,
    trial: int | None = None,
    sure: float | None = None,
    quality: Quality = Quality.ESTIMATED,
) -> Choice:
    """One configuration within the limits, by one rule: `rule`, `weights`, `trial`, or theirs.

    The default is the cheapest under `min_accuracy`, the most accurate under `max_joules` alone,
    else the knee; `constraints` are more limits by name. Of a study, its own constraints
    hold too, but for a `trial` that is named, and the choice says how sure it is; `sure` takes only
    what keeps the limits of accuracy and joules with that probability. `weights` are those of
    accuracy and joules (`scalarisation.py`). Raises BadInput, or NothingFits naming the nearest.
    """
    if not isinstance(constraints, Constraints):
        constraints = Constraints.of(constraints or {}, typed="")
    typed = Constraints(min_accuracy=min_accuracy, max_joules=max_joules).with_those_of(constraints)
    weighed = None if weights is None else Scalarisation.of(weights)
    name = rule_name(rule, weighed, trial, typed)
    Limits(constraints=typed, sure=sure).check()
    considered = _considered(found, trial, quality)
    limits = Limits(constraints=considered.limits_with(typed), sure=sure)
    if name == EFFICIENCY and limits.constraints.min_accuracy is None:
        raise BadInput(NO_FLOOR)
    if not considered.rows:
        raise NothingFits("the study has no measured configuration yet: run the sweep first")
    if trial is not None:
        return considered.named(trial, limits)
    judgement = considered.judgement
    fitting = [row for row in considered.rows if limits.keeps(row, judgement)]
    if not fitting:
        raise NothingFits(nearest_text(considered.rows, limits, judgement, considered.quality))
    return considered.by_rule(rule_of(name, fitting, weighed), name, fitting, limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Considered:
    """The rows of which one is taken, and the study that they are of, if it is known."""

    rows: Sequence[Row]
    quality: Quality
    priced: PricedStudy | None = None
    constraints: Constraints = dataclasses.field(default_factory=Constraints)

    @property
    def judgement(self) -> Judgement | None:
        return None if self.priced is None else Judgement(rows=self.rows, doubt=self.priced.doubt)

    def limits_with(self, typed: Constraints) -> Constraints:
        """The limits that were typed, and those of the study."""
        return typed.with_those_of(self.constraints)

    def by_rule(self, rule: Rule, name: str, fitting: Sequence[Row], limits: Limits) -> Choice:
        """What a rule takes of those that fit."""
        row, judgement, sureness = rule.take(fitting), self.judgement, None
        if judgement is not None:
            sureness = limits.sureness(row, judgement)
            rest = [other for other in fitting if other.trial != row.trial]
            if rest:
                other = rule.take(rest)
                beats = judgement.beats(row, other, rule.better)
                sureness = dataclasses.replace(
                    sureness, runner_up=other.trial, beats_runner_up=beats
                )
        why = f"the {rule.words} of {len(fitting)} configurations{wanted_text(limits)}"
        return self._choice(row, name, why, sureness, rule.than, limits)

    def named(self, trial: int, limits: Limits) -> Choice:
        """The configuration of a trial, if it keeps the limits that were typed."""
        if self.priced is None:
            row = next((row for row in self.rows if row.trial == trial), None)
        else:
            row = self.priced.row_by_trial.get(trial)
        if row is None:
            raise BadInput(
                f"trial {trial} is none of those that were measured and have a price: type the"
                " number of another"
            )
        judgement = self.judgement
        if not limits.keeps(row, judgement):
            raise NothingFits(named_text(row, limits, judgement, self.quality))
        sureness = None if judgement is None else limits.sureness(row, judgement)
        seed = f", a seed of the configuration of trial {row.trial}" * (trial != row.trial)
        why = f"trial {trial}{seed}, as named{wanted_text(limits)}"
        return self._choice(row, TRIAL, why, sureness, "", limits)

    def _choice(
        self, row: Row, name: str, why: str, sureness: Sureness | None, than: str, limits: Limits
    ) -> Choice:
        priced, own, broken = self.priced, "", ""
        if priced is not None:
            own = own_net_text(priced.configuration(row.trial))
            broken = Constraints.of(priced.study.constraints).broken(row) if name == TRIAL else ""
        belongs = ""
        if name == TRIAL and row.belongs is not None:
            belongs = f"{percent_text(row.belongs)} sure to belong to the front"
        said = [
            f"{why}: {choice_text(row, self.quality)}",
            *sure_texts(sureness, than),
            *filter(None, [belongs, own, broken and f"{broken}, which the study asks for"]),
            *doubt_texts(row),
        ]
        nexts = None if priced is None else next_bests(priced, row, limits.constraints)
        return Choice(row=row, rule=name, why="; ".join(said), sureness=sureness, next_bests=nexts)


def _considered(
    found: Sequence[Row] | StudyRecord | PricedStudy, trial: int | None, quality: Quality
) -> _Considered:
    if isinstance(found, StudyRecord):
        found = PricedStudy(found)
    if not isinstance(found, PricedStudy):
        return _Considered(rows=found, quality=quality)
    if trial is not None:
        shown = found if trial in found.row_by_trial else found.unconstrained
        return _Considered(rows=shown.rows, quality=found.study.meter.quality, priced=shown)
    shown = found if found.rows else found.unconstrained  # of which the nearest is told
    return _Considered(
        rows=shown.rows,
        quality=found.study.meter.quality,
        priced=shown,
        constraints=found.constraints,
    )

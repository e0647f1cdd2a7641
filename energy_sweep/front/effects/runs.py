"""The runs of one or several studies, priced together: what effects are computed of.

Studies of one machine and meter are priced as one, so that work that both share cancels, and the
drift of the machine is taken out over all their windows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from energy_sweep.front.comparable import joules_apart
from energy_sweep.front.configurations import price_list
from energy_sweep.front.detrending import Z95
from energy_sweep.front.merged import Configuration
from energy_sweep.front.priced_configurations import PricedConfigurations
from energy_sweep.front.prices import Prices
from energy_sweep.recipe.dials import SEED, Dials, axes
from energy_sweep.record import BadInput, StageRecord, StudyRecord, TrialRecord, TrialResult
from energy_sweep.record.answers import Answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredRun:
    """One trial of a study, here a `sweep`, with its result and which images it had right."""

    sweep: str
    trial: TrialRecord
    result: TrialResult
    answers: Answers | None
    dials: Dials

    @property
    def accuracy(self) -> float:
        return (self.result.correct or 0) / self.result.n_validation

    @property
    def alone(self) -> Configuration:
        """This run as a configuration of one net."""
        known = () if self.answers is None else (self.answers,)
        run = (self.trial, self.result)
        return Configuration(
            key=f"{self.sweep} {self.trial.number}", runs=(run,), demand={}, answers=known
        )

    def is_at(self, where: Mapping[str, Any]) -> bool:
        """Whether it was run at these values of dials; of a list, at any of them."""
        return all(
            any(same(self.dials.get(name), one) for one in _listed(value))
            for name, value in where.items()
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """Runs that are priced alike; `between_runs` is the variance of a log ratio of two sweeps."""

    runs: tuple[MeasuredRun, ...]
    prices: Prices
    records: Mapping[str, StageRecord]
    scale_band_of: Callable[[str], tuple[float, ...]]
    quality: str
    between_sweeps: float

    def at(self, where: Mapping[str, Any], sweep: str | None = None) -> list[MeasuredRun]:
        """Those of some values of dials, of one sweep or of all."""
        return [run for run in self.runs if sweep in (None, run.sweep) and run.is_at(where)]


def runs_of(studies: Mapping[str, PricedConfigurations], *, is_pooled: bool = True) -> Runs:
    """The measured runs of studies by name; BadInput where their joules do not compare.

    Unless they are pooled, equal work of two studies has a price in each, as an A/A test needs.
    """
    found = list(studies.values())
    record, prices = found[0].study, found[0].prices
    if len(found) > 1:
        apart = joules_apart({name: one.study for name, one in studies.items()})
        if apart:
            raise BadInput(f"the studies {apart}, so that their joules do not compare: type one")
        if not is_pooled:
            studies = {name: _named(name, one) for name, one in studies.items()}
        record = _together([one.study for one in studies.values()])
        prices = price_list(record)
    meter = record.meter
    limit = max((meter.repeatability_of(domain) for domain in meter.domains), default=0.0)
    return Runs(
        runs=tuple(run for name, one in studies.items() for run in _runs(name, one)),
        prices=prices,
        records=record.stages,
        scale_band_of=meter.scale_band_of,
        quality=meter.quality.value,
        between_sweeps=(limit / Z95) ** 2,
    )


def varying_axes(runs: Sequence[MeasuredRun]) -> tuple[str, ...]:
    """The dials along which some runs differ, but for the seed."""
    return axes([run.dials for run in runs])


def values_of(runs: Iterable[MeasuredRun], name: str) -> list[Any]:
    """The distinct values of a dial, numbers in their order, anything else as first met."""
    distinct: dict[str, Any] = {}
    for run in runs:
        value = run.dials.get(name)
        distinct.setdefault(mark(value), value)
    found = list(distinct.values())
    numbers = [one for one in found if isinstance(one, int | float)]
    return sorted(numbers) if len(numbers) == len(found) else found


def same(value: Any, other: Any) -> bool:
    """Whether two values of a dial are one: 1 is 1.0, and `null` is None."""
    return mark(value) == mark(other)


def mark(value: Any) -> str:
    """The same for equal values of a dial."""
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    if isinstance(value, str):
        try:
            return repr(float(value))
        except ValueError:
            return value
    return repr(float(value)) if isinstance(value, int | float) else str(value)


def _listed(value: Any) -> Sequence[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [value]


def seed_of(run: MeasuredRun) -> str:
    """The seed of a run, as a mark."""
    return mark(run.dials.get(SEED) if run.dials.get(SEED) is not None else run.result.seed)


def _runs(name: str, priced: PricedConfigurations) -> Iterable[MeasuredRun]:
    for one in priced.configurations:
        for place, (trial, result) in enumerate(one.runs):
            yield MeasuredRun(
                sweep=name,
                trial=trial,
                result=result,
                answers=one.answers[place] if one.answers else None,
                dials=Dials.of(trial),
            )


def _named(name: str, one: PricedConfigurations) -> PricedConfigurations:
    """The same study, the keys of whose work begin with its name."""

    def used(trial: TrialRecord) -> TrialRecord:
        if trial.result is None:
            return trial
        stages = tuple(
            dataclasses.replace(use, key=f"{name} {use.key}", cost_key=f"{name} {use.cost_key}")
            for use in trial.result.stages
        )
        return dataclasses.replace(trial, result=dataclasses.replace(trial.result, stages=stages))

    records = {
        f"{name} {key}": dataclasses.replace(
            record, key=f"{name} {record.key}", cost_key=f"{name} {record.cost_key}"
        )
        for key, record in one.study.stages.items()
    }
    trials = tuple(used(trial) for trial in one.study.trials)
    study = dataclasses.replace(one.study, trials=trials, stages=records)
    # Answers are of another stage's facts, which the records keep under the new key.
    return PricedConfigurations(study, one.objective)


def _together(studies: Sequence[StudyRecord]) -> StudyRecord:
    """The stages of all, priced by the meter of the first."""
    stages: dict[str, StageRecord] = {}
    for study in studies:
        for key, record in study.stages.items():
            known = stages.get(key)
            if known is None or known.units < record.units:
                stages[key] = record
    return dataclasses.replace(studies[0], stages=stages)

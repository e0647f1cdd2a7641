"""Configurations: the trials of a study merged over their seeds, priced, as rows of a table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front.achieved import Achieved, achieved
from energy_sweep.front.prices import Prices, Usage, demand
from energy_sweep.recipe.dials import Dials, axes
from energy_sweep.record import (
    EnergySweepError,
    JsonDict,
    Objective,
    StudyRecord,
    TrialRecord,
    TrialResult,
    digest,
)
from energy_sweep.text.commands import command as command
from energy_sweep.uncertainty.intervals import wilson

Run = tuple[TrialRecord, TrialResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShare:
    """What one stage would cost this configuration alone, and how many others use the work.

    `joules` is None where nothing of the kind was metered; `key` is that of the lowest trial.
    `contended` says that other programs ran in all windows that a part of them rests on.
    """

    joules: float | None
    key: str
    shared_by: int
    contended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One configuration, its seeds merged: mean accuracy, and mean joules of the objective.

    The accuracy interval is Wilson's over the images of the validation split: seeds see the same
    images, so more of them do not narrow it. `rivals` and `beaten_by` are trials of other
    configurations (`rivals.py`). `contended` are the stages of the objective whose price rests on
    windows in which other programs ran: such joules beat nothing. `net_joules` are those above what
    the same seconds cost an idle machine, None where that is not known. `level` is the one that its
    compression carried out, `removed` and `zeros` what that came to (`achieved.py`).
    """

    trial: int
    config: JsonDict
    params: JsonDict
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    n_validation: int
    joules: float
    uncertainty_joules: float
    net_joules: float | None
    seeds: tuple[int, ...]
    rivals: tuple[int, ...]
    beaten_by: tuple[int, ...]
    contended: tuple[str, ...]
    stages: Mapping[str, StageShare]
    joules_per_image: float | None
    peak_memory_bytes: int | None
    level: float = 0.0
    removed: float | None = None
    zeros: float | None = None

    @property
    def achieved(self) -> str:
        """What its compression achieved, in words; empty where it has none."""
        return Achieved(level=self.level, removed=self.removed, zeros=self.zeros).text


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The measured runs of one configuration by trial number, and what the objective charges."""

    key: str
    runs: tuple[Run, ...]
    demand: Usage

    @property
    def trial(self) -> int:
        return self.runs[0][0].number

    @property
    def accuracy(self) -> float:
        images = sum(result.n_validation for _, result in self.runs)
        return sum(result.correct or 0 for _, result in self.runs) / images

    def is_priced(self, prices: Prices) -> bool:
        """Whether every reading that its price rests on is there."""
        return all(prices.pool(cost_key) is not None for cost_key in self.demand)

    def joules(self, prices: Prices) -> tuple[float, float]:
        """Joules of the objective and their uncertainty; unmetered work is an error."""
        try:
            return prices.joules(self.demand)
        except KeyError as missing:
            raise EnergySweepError(
                f"trial {self.trial} cannot be priced ({missing.args[0]}): "
                "is stages= the folder that the study was run with?"
            ) from missing


def price_list(study: StudyRecord) -> Prices:
    """The prices of the study's own store."""
    idle = study.meter.idle_watts
    return Prices(
        study.stages.values(),
        repeatability=study.meter.repeatability_of,
        idle_watts=math.fsum(idle.values()) if set(idle) == set(study.meter.domains) else None,
    )


def configurations(study: StudyRecord, objective: Objective) -> tuple[Configuration, ...]:
    """The measured configurations of a study, by lowest trial number."""
    groups: defaultdict[str, list[Run]] = defaultdict(list)
    for trial, result in measured_runs(study):
        if result.correct is not None and result.infeasible is None:
            groups[digest(result.config)].append((trial, result))
    return tuple(
        Configuration(key=key, runs=tuple(runs), demand=_mean_demand(runs, objective))
        for key, runs in groups.items()
    )


def unranked_rows(
    found: Sequence[Configuration], prices: Prices, *, names: Sequence[str]
) -> tuple[Row, ...]:
    """A row per configuration, with the axes `names`, without rivals and what beats it."""
    users: defaultdict[str, set[str]] = defaultdict(set)
    for configuration in found:
        for _, result in configuration.runs:
            for use in result.stages:
                users[use.key].add(configuration.key)
    return tuple(_row(configuration, prices, users=users, names=names) for configuration in found)


def varying(study: StudyRecord) -> tuple[str, ...]:
    """Names, as typed, of the axes along which the study's trials differ, but for the seed."""
    return axes([Dials.of(trial) for trial, _ in measured_runs(study)])


def joules_text(joules: float, uncertainty: float | None = None) -> str:
    """Joules to three significant digits (an uncertainty to two), with the unit."""
    if uncertainty is not None:
        spread = f"{uncertainty:.2g}" if uncertainty < 99.5 else f"{uncertainty:,.0f}"
        return f"{joules_text(joules)[:-2]} ± {spread} J"
    return f"{joules:.3g} J" if abs(joules) < 999.5 else f"{joules:,.0f} J"


def contended_text(stages: Sequence[str]) -> str:
    """Says of joules that other programs disturbed them; empty where none did."""
    return f"contended: {', '.join(stages)}" if stages else ""


def _row(
    configuration: Configuration,
    prices: Prices,
    *,
    users: Mapping[str, set[str]],
    names: Iterable[str],
) -> Row:
    trial, result = configuration.runs[0]
    results = [result for _, result in configuration.runs]
    accuracy = configuration.accuracy
    interval = wilson(accuracy * result.n_validation, result.n_validation)
    joules, uncertainty = configuration.joules(prices)
    per_image = _mean_demand(configuration.runs, Objective(name="inference"))
    reached = achieved(result.config, result.facts)
    peaks = [one.peak_memory_bytes for one in results if one.peak_memory_bytes is not None]
    return Row(
        trial=trial.number,
        config=result.config,
        params=Dials.of(trial).pick(names),
        accuracy=accuracy,
        accuracy_low=interval.low,
        accuracy_high=interval.high,
        n_validation=result.n_validation,
        joules=joules,
        uncertainty_joules=uncertainty,
        net_joules=prices.net_joules(configuration.demand),
        seeds=tuple(sorted({one.seed for one in results})),
        rivals=(),
        beaten_by=(),
        contended=_contended(results, configuration.demand, prices),
        stages=_stages(results, prices, users),
        joules_per_image=known_joules(per_image, prices),
        peak_memory_bytes=max(peaks, default=None),
        level=reached.level,
        removed=reached.removed,
        zeros=reached.zeros,
    )


def _stages(
    results: Sequence[TrialResult], prices: Prices, users: Mapping[str, set[str]]
) -> dict[str, StageShare]:
    wanted: dict[str, defaultdict[str, float]] = {}
    keys: dict[str, str] = {}
    for result in results:
        for use in result.stages:
            share = wanted.setdefault(use.stage, defaultdict(float))
            share[use.cost_key] += use.units / len(results)
            keys.setdefault(use.stage, use.key)
    return {
        stage: StageShare(
            joules=known_joules(share, prices),
            key=keys[stage],
            shared_by=len(users[keys[stage]]) - 1,
            contended=prices.is_contended(share),
        )
        for stage, share in wanted.items()
    }


def _contended(results: Iterable[TrialResult], wanted: Usage, prices: Prices) -> tuple[str, ...]:
    uses = [use for result in results for use in result.stages if use.cost_key in wanted]
    stages = dict.fromkeys(use.stage for use in uses if prices.is_contended({use.cost_key: 1.0}))
    return tuple(stages)


def measured_runs(study: StudyRecord) -> list[Run]:
    """The trials that have a result, by number."""
    runs = [(trial, trial.result) for trial in study.trials if trial.result is not None]
    return sorted(runs, key=lambda run: run[0].number)


def _mean_demand(runs: Sequence[Run], objective: Objective) -> Usage:
    mean: defaultdict[str, float] = defaultdict(float)
    for _, result in runs:
        for cost_key, units in demand(result, objective).items():
            mean[cost_key] += units / len(runs)
    return dict(mean)


def known_joules(wanted: Mapping[str, float], prices: Prices) -> float | None:
    """Joules of a demand, or None where nothing is asked or a part was never metered."""
    pools = [(prices.pool(cost_key), units) for cost_key, units in wanted.items()]
    known = [units * pool.joules_per_unit for pool, units in pools if pool is not None]
    return math.fsum(known) if known and len(known) == len(pools) else None

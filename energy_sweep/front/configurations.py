"""Configurations: the trials of a study merged over their seeds, priced, as rows of a table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from energy_sweep.front.achieved import achieved
from energy_sweep.front.limited import file_figures
from energy_sweep.front.merged import Configuration as Configuration
from energy_sweep.front.merged import Row as Row
from energy_sweep.front.merged import Run
from energy_sweep.front.merged import StageShare as StageShare
from energy_sweep.front.prices import Prices, Usage, demand
from energy_sweep.recipe.dials import Dials, axes
from energy_sweep.record import (
    Objective,
    StageRecord,
    StudyRecord,
    TrialResult,
    digest,
)
from energy_sweep.record.answers import STAGE, Answers, answers_in
from energy_sweep.text.commands import command as command
from energy_sweep.uncertainty.intervals import Interval

if TYPE_CHECKING:
    from energy_sweep.front.accuracy import AccuracyTable  # which loads NumPy
    from energy_sweep.front.rivals import Comparison

IMAGE = Objective(name="inference")


def price_list(study: StudyRecord) -> Prices:
    """The prices of the study's own store, with the machine's drift taken out."""
    idle = study.meter.idle_watts
    return Prices(
        study.stages.values(),
        repeatability=study.meter.repeatability_of,
        idle_watts=math.fsum(idle.values()) if set(idle) == set(study.meter.domains) else None,
        detrended=True,
    )


def configurations(study: StudyRecord, objective: Objective) -> tuple[Configuration, ...]:
    """The measured configurations of a study, by lowest trial number."""
    groups: defaultdict[str, list[Run]] = defaultdict(list)
    for trial, result in measured_runs(study):
        if result.correct is not None and result.infeasible is None:
            groups[digest(result.config)].append((trial, result))
    return tuple(
        Configuration(
            key=key,
            runs=tuple(runs),
            demand=_mean_demand(runs, objective),
            answers=_answers(runs, study.stages),
        )
        for key, runs in groups.items()
    )


def _answers(runs: Sequence[Run], records: Mapping[str, StageRecord]) -> tuple[Answers, ...]:
    """Which images each run has right; nothing where that is not known of all, to the same ones."""
    found = list[Answers]()
    for _, result in runs:
        keys = [use.key for use in result.stages if use.stage == STAGE]
        record = records.get(keys[-1]) if keys else None
        answers = None if record is None else answers_in(record.facts)
        if answers is None or (answers.count, answers.correct) != (
            result.n_validation,
            result.correct,
        ):
            return ()
        found.append(answers)
    return tuple(found) if len({(one.asked, one.count) for one in found}) == 1 else ()


def rows_of(
    accuracies: AccuracyTable,
    prices: Prices,
    records: Mapping[str, StageRecord],
    *,
    names: Sequence[str],
    beside: Sequence[Comparison],
    belonging: Sequence[float],
    noise: Sequence[float],
) -> tuple[Row, ...]:
    """A row per configuration, with the axes `names`, by what the study has `records` of.

    `beside` is what it is beside others, `belonging` its probability of belonging to the front,
    `noise` how many joules it may be off by beside them.
    """
    found = accuracies.configurations
    users: defaultdict[str, set[str]] = defaultdict(set)
    for configuration in found:
        for _, result in configuration.runs:
            for use in result.stages:
                users[use.key].add(configuration.key)
    shared_by = {key: len(those) - 1 for key, those in users.items()}
    return tuple(
        _row(
            one,
            prices,
            records,
            interval=accuracies.interval(index),
            shared_by=shared_by,
            names=names,
            beside=beside[index],
            belongs=belonging[index],
            noise_joules=noise[index],
        )
        for index, one in enumerate(found)
    )


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
    records: Mapping[str, StageRecord],
    *,
    interval: Interval,
    shared_by: Mapping[str, int],
    names: Iterable[str],
    beside: Comparison,
    belongs: float,
    noise_joules: float,
) -> Row:
    trial, result = configuration.runs[0]
    results = [result for _, result in configuration.runs]
    accuracy = configuration.accuracy
    joules, uncertainty = configuration.joules(prices)
    per_image = image_demand(configuration)
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
        noise_joules=noise_joules,
        net_joules=prices.net_joules(configuration.demand),
        seeds=tuple(sorted({one.seed for one in results})),
        n=len(configuration.by_seed),
        rivals=beside.rivals,
        beaten_by=beside.beaten_by,
        contended=_contended(results, configuration.demand, prices),
        stages=_stages(results, prices, shared_by),
        joules_per_image=known_joules(per_image, prices),
        peak_memory_bytes=max(peaks, default=None),
        **file_figures(results, prices.pool, records),
        level=reached.level,
        removed=reached.removed,
        zeros=reached.zeros,
        belongs=belongs,
    )


def _stages(
    results: Sequence[TrialResult], prices: Prices, shared_by: Mapping[str, int]
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
            shared_by=shared_by[keys[stage]],
            contended=prices.is_contended(share),
        )
        for stage, share in wanted.items()
    }


def _contended(results: Iterable[TrialResult], wanted: Usage, prices: Prices) -> tuple[str, ...]:
    if not prices.is_contended(wanted):
        return ()
    uses = [use for result in results for use in result.stages if use.cost_key in wanted]
    stages = dict.fromkeys(use.stage for use in uses if prices.is_contended({use.cost_key: 1.0}))
    return tuple(stages)


def measured_runs(study: StudyRecord) -> list[Run]:
    """The trials that have a result, by number."""
    runs = [(trial, trial.result) for trial in study.trials if trial.result is not None]
    return sorted(runs, key=lambda run: run[0].number)


def image_demand(configuration: Configuration) -> Usage:
    """Units of each pool that one image takes."""
    return _mean_demand(configuration.runs, IMAGE)


def _mean_demand(runs: Sequence[Run], objective: Objective) -> Usage:
    mean: defaultdict[str, float] = defaultdict(float)
    for _, result in runs:
        for cost_key, units in demand(result, objective).items():
            mean[cost_key] += units / len(runs)
    return dict(mean)


def known_joules(wanted: Mapping[str, float], prices: Prices) -> float | None:
    """Joules of a demand, or None where nothing is asked or a part was never metered."""
    known = list[float]()
    for cost_key, units in wanted.items():
        pool = prices.pool(cost_key)
        if pool is None:
            return None
        known.append(units * pool.joules_per_unit)
    return math.fsum(known) if known else None

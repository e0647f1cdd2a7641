"""The numbers that the page computes with: a column for each figure, a place for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from energy_sweep.front import PricedStudy, Row, choose, command
from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.achieved import achieved, name_of
from energy_sweep.front.limited import file_bytes, latency, operations
from energy_sweep.front.merged import Configuration
from energy_sweep.recipe.dials import Dials
from energy_sweep.record import JsonDict, NothingFits, Objective
from energy_sweep.report.charges import charge, noise_parts, seconds_at_once
from energy_sweep.report.figures import CONFIG
from energy_sweep.report.stage_domains import domain_prices, stages_by_domain
from energy_sweep.text.commands import program

# Of the best accuracy of a study: efficiency is ranked above it, unless the study has a limit.
FLOOR_SHARE = 0.9
OBJECTIVES = ("training", "inference", "lifetime")


def page_data(priced: PricedStudy) -> JsonDict:
    """Plain values: the study, its rows in columns, and what is sure of them by objective."""
    study, objective = priced.study, priced.objective
    views = [_at(priced, name) for name in OBJECTIVES]
    return {
        "study": study.name,
        "config": CONFIG,
        "quality": priced.quality,
        "objective": {"name": objective.name, "images": objective.images},
        "axes": list(priced.axes),
        "domains": list(study.meter.domains),
        "constraints": priced.constraints.document,
        "constraintsText": priced.constraints.text,
        "floor": floor(priced),
        "idleWatts": priced.prices.idle_watts,
        "columns": _columns(priced, views),
        "views": {view.objective.name: _view(view) for view in views if _has_prices(view)},
        "infeasible": [
            {
                "trial": one.trial,
                "joules": one.joules,
                "reason": one.reason,
                "params": _plain(one.params),
            }
            for one in priced.infeasible
        ],
        "commands": {trial.number: command(trial) for trial in study.trials},
        "deploy": program("deploy", study.name, "--trial"),
    }


def floor(priced: PricedStudy) -> JsonDict:
    """The least accuracy above which efficiency is ranked, and where it comes from."""
    limit = priced.constraints.min_accuracy
    if limit is not None:
        return {"accuracy": limit, "text": "the study's own least accuracy"}
    best = max((row.accuracy for row in priced.rows), default=0.0)
    least = math.floor(100 * FLOOR_SHARE * best) / 100
    return {"accuracy": least, "text": f"{100 * FLOOR_SHARE:g} % of the best accuracy of the study"}


def _at(priced: PricedStudy, name: str) -> PricedStudy:
    """A study by another objective, or itself."""
    if name == priced.objective.name:
        return priced
    return priced.by(Objective(name=name, images=priced.objective.images))


def _columns(priced: PricedStudy, views: Sequence[PricedStudy]) -> JsonDict:
    """By name, the values of all measured configurations, by lowest trial number."""
    training, inference, _ = (view.configurations for view in views)
    prices = priced.prices
    known = domain_prices(priced.study.stages.values(), prices)
    intervals = _intervals(priced)
    noise = noise_parts([one.demand for one in training], [one.demand for one in inference], prices)
    rows = list[JsonDict]()
    for one, served, own in zip(training, inference, noise, strict=True):
        trial, result = one.runs[0]
        results = [run for _, run in one.runs]
        reached = achieved(result.config, result.facts)
        low, high = intervals[one.key]
        compression = _dictionary(result.config.get("compression"))
        alone = latency(results, priced.study.stages)
        train, image = charge(one.demand, prices), charge(served.demand, prices)
        rows.append(
            {
                "trial": trial.number,
                "params": _plain(Dials.of(trial).pick(priced.axes)),
                "accuracy": one.accuracy,
                "low": low,
                "high": high,
                "n": len(one.by_seed),
                "validation": result.n_validation,
                "training": _charged(train),
                # A net that was never run costs nothing there; what an image costs is not known.
                "image": _charged(image),
                "noise": own,
                "perImage": image.joules if image and served.demand else None,
                "stages": stages_by_domain(results, known),
                "bytes": file_bytes(results),
                "latency": seconds_at_once(results, prices, 1),
                "latency64": seconds_at_once(results, prices, 64),
                "alone": alone and [alone.p50_seconds, alone.p95_seconds, alone.runs],
                "macs": operations(results),
                "compression": name_of(compression) if compression else None,
                "level": reached.level,
                "achieved": reached.text,
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _has_prices(view: PricedStudy) -> bool:
    """Whether any configuration has a price by its objective, or there is none at all."""
    found = view.configurations
    return not found or any(one.is_priced(view.prices) for one in found)


def _dictionary(value: object) -> JsonDict:
    """A value that ought to be one; what else a file says is none."""
    return cast(JsonDict, value) if isinstance(value, dict) else {}


def _plain(params: JsonDict) -> list[Any]:
    """The values of axes, in which numbers that JSON has not are words."""
    return [
        str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for value in params.values()
    ]


def _intervals(priced: PricedStudy) -> dict[str, tuple[float, float]]:
    """Of each configuration: as the rows of the study have it, else as beside all others."""
    everybody: Sequence[Configuration] = priced.configurations
    found = dict[str, tuple[float, float]]()
    for table in (AccuracyTable(everybody), priced.accuracies):
        for place, one in enumerate(table.configurations):
            interval = table.interval(place)
            found[one.key] = (interval.low, interval.high)
    return found


def _charged(found: Any) -> list[float] | None:
    return None if found is None else [found.joules, found.noise, found.drift, found.seconds]


def _view(view: PricedStudy) -> JsonDict:
    """What is known of rows beside each other, for one objective; lists only where they are."""
    rows = view.rows

    def lists(name: str) -> JsonDict:
        return {str(row.trial): list(getattr(row, name)) for row in rows if getattr(row, name)}

    return {
        "images": view.objective.images,
        "belongs": {str(row.trial): row.belongs for row in rows},
        "rivals": lists("rivals"),
        "beatenBy": lists("beaten_by"),
        "contended": lists("contended"),
        "scaleDependent": [list(pair) for pair in view.scale_dependent],
        "expectedWrong": view.expected_wrong,
        "choice": _choice(view, rows),
    }


def _choice(view: PricedStudy, rows: Sequence[Row]) -> JsonDict | None:
    """The recommended row, and how surely it is a better trade than the runner-up."""
    if not rows:
        return None
    try:
        choice = choose(view)
    except NothingFits:
        return None
    sure = choice.sureness
    return {
        "trial": choice.row.trial,
        "runnerUp": None if sure is None else sure.runner_up,
        "beatsRunnerUp": None if sure is None else sure.beats_runner_up,
    }

"""The joules of one trial in detail: by stage, epoch, iteration, update and image.

Prices are the pools' of the moment, so they get sharper as a study goes on; the list of epochs
holds the readings themselves. What is not known is None, never 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from energy_sweep.front.prices import Prices, Usage, demand
from energy_sweep.record import (
    TRAINING_STAGES,
    JsonDict,
    MeterFacts,
    Objective,
    StageRecord,
    StageUse,
    TrialResult,
)
from energy_sweep.uncertainty.intervals import wilson

# Stages whose unit is an epoch; what the others do (warm up, compress) is no training step.
EPOCH_STAGES = ("trunk", "cooldown", "recover")
JOULES_PER_KILOWATT_HOUR = 3.6e6
FIGURE = ("joules", "uncertainty_joules", "quality", "contended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work epochs were; None where the facts of the trial do not tell.

    An iteration is one batch through the net, forward and backward; an update is one step of the
    optimizer, which changes `parameters` numbers: `parameter_updates` adds those up.
    """

    epochs: float
    iterations: float | None
    updates: float | None
    images: float | None
    parameter_updates: float | None


def effort(result: TrialResult, stages: Iterable[str] = EPOCH_STAGES) -> Effort:
    """The training steps of the given stages of a trial, from its own facts."""
    facts, wanted = result.facts, tuple(stages)
    steps = _product(facts.get("steps_per_epoch"))
    # Parameters of the net that each stage trains: a recovery trains the compressed one.
    parameters = {stage: facts.get("trained_parameters") for stage in EPOCH_STAGES}
    parameters["recover"] = facts.get("parameters")
    epochs: defaultdict[str, float] = defaultdict(float)
    for use in result.stages:
        if use.stage in EPOCH_STAGES and use.stage in wanted:
            epochs[use.stage] += use.units
    total = math.fsum(epochs.values())
    updates = _product(facts.get("updates_per_epoch"))
    changed = [_product(units, updates, parameters[stage]) for stage, units in epochs.items()]
    known = [number for number in changed if number is not None]
    return Effort(
        epochs=total,
        iterations=_product(total, steps),
        updates=_product(total, updates),
        images=_product(total, steps, result.config.get("batch")),
        parameter_updates=math.fsum(known) if len(known) == len(changed) else None,
    )


def energy_detail(
    result: TrialResult, *, records: Mapping[str, StageRecord], meter: MeterFacts
) -> JsonDict:
    """The `energy` of a result.json, as plain values; docs/json.md says what each key means."""
    pools: Mapping[str, str] = result.facts.get("inference", {})
    wanted = {*(use.cost_key for use in result.stages), *pools.values()}
    prices = Prices(
        (record for record in records.values() if record.cost_key in wanted),
        repeatability=meter.repeatability_of,
    )
    epochs, done = _demand(result.stages, EPOCH_STAGES), effort(result)
    total = _figure(prices, demand(result, Objective(name="training")))
    return {
        "training": None if total is None else _with_kilowatt_hours(total),
        "per_epoch": _figure(prices, epochs, per=done.epochs),
        "per_iteration": _figure(prices, epochs, per=done.iterations),
        "per_update": _figure(prices, epochs, per=done.updates),
        "per_parameter_update": _figure(prices, epochs, per=done.parameter_updates),
        "per_training_image": _figure(prices, epochs, per=done.images),
        "per_image": _figure(prices, demand(result, Objective(name="inference"))),
        "per_image_by_batch": {n: _figure(prices, {key: 1.0}) for n, key in pools.items()},
        "efficiency": _efficiency(result, total),
        "stages": _stages(result, prices),
        "epochs": epoch_readings(result.stages, records),
    }


def _demand(uses: Iterable[StageUse], stages: Iterable[str]) -> Usage:
    wanted, found = tuple(stages), defaultdict[str, float](float)
    for use in uses:
        if use.stage in wanted:
            found[use.cost_key] += use.units
    return dict(found)


def _figure(prices: Prices, wanted: Usage, *, per: float | None = 1.0) -> JsonDict | None:
    """Joules of a demand for each of `per` pieces; None where it or a pool of it is not known."""
    if not wanted or not per:
        return None
    try:
        joules, uncertainty = prices.joules(wanted)
    except KeyError:
        return None
    return {
        "joules": joules / per,
        "uncertainty_joules": uncertainty / per,
        "quality": prices.quality(wanted).value,
        "contended": prices.is_contended(wanted),
    }


def _with_kilowatt_hours(figure: JsonDict) -> JsonDict:
    return {
        **figure,
        "kilowatt_hours": figure["joules"] / JOULES_PER_KILOWATT_HOUR,
        "uncertainty_kilowatt_hours": figure["uncertainty_joules"] / JOULES_PER_KILOWATT_HOUR,
    }


def _efficiency(result: TrialResult, total: JsonDict | None) -> JsonDict | None:
    """Accuracy over training joules, with what both are unsure of (95 %)."""
    if total is None or result.accuracy is None or result.correct is None or not total["joules"]:
        return None
    low, high = wilson(result.correct, result.n_validation)
    joules, accuracy = total["joules"], result.accuracy
    value = accuracy / joules
    error = math.hypot((high - low) / 2 / joules, value * total["uncertainty_joules"] / joules)
    return {
        "accuracy_per_joule": value,
        "uncertainty_per_joule": error,
        "percent_per_kilojoule": value * 1e5,
        "quality": total["quality"],
    }


def _stages(result: TrialResult, prices: Prices) -> JsonDict:
    """Training stages in their order; epochs and what follows from them where a stage has any."""
    lines: JsonDict = {}
    for stage in TRAINING_STAGES:
        wanted = _demand(result.stages, [stage])
        if not wanted:
            continue
        figure = _figure(prices, wanted)
        done = effort(result, [stage]) if stage in EPOCH_STAGES else None
        lines[stage] = {
            **(figure or dict.fromkeys(FIGURE)),
            "epochs": done and done.epochs,
            "iterations": done and done.iterations,
            "updates": done and done.updates,
            "images": done and done.images,
        }
    return lines


def epoch_readings(
    uses: Iterable[StageUse], records: Mapping[str, StageRecord]
) -> list[JsonDict] | None:
    """The reading of every epoch of this trial, in order; None where one of them is gone."""
    lines: list[JsonDict] = []
    for use in (use for use in uses if use.stage in EPOCH_STAGES):
        record = records.get(use.key)
        if record is None or record.units < use.units:
            return None
        # A trunk may have gone on for longer horizons: only the epochs up to here are this one's.
        for mark in record.marks[: int(use.units)]:
            reading = mark.reading
            lines.append(
                {
                    "epoch": len(lines) + 1,
                    "stage": use.stage,
                    "joules": reading.joules,
                    "uncertainty_joules": reading.uncertainty_joules,
                    "quality": reading.quality.value,
                    "seconds": reading.seconds,
                    "contended": reading.contended,
                }
            )
    return lines


def _product(*numbers: float | None) -> float | None:
    known = [number for number in numbers if number is not None]
    return math.prod(known) if len(known) == len(numbers) else None

"""A priced study as plain figures that other tools can hold: its trials, with epochs and tags.

What is not known of a trial is left out of its figures, never 0.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from energy_sweep.export.machine_parts import MachineParts
from energy_sweep.export.trial_figures import (
    TrialFigures,
    accuracy_figures,
    row_figures,
    settings_of,
)
from energy_sweep.front import PricedStudy, Row, command
from energy_sweep.front.breakdown import JOULES_PER_KILOWATT_HOUR, epoch_readings
from energy_sweep.front.curves import epoch_curve
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.front.prices import Usage, demand
from energy_sweep.recipe.dials import SEED, Dials
from energy_sweep.record import JsonDict, Objective, StudyRecord, TrialRecord, TrialResult

IMAGES_OF_A_LABEL = 1000  # energy labels of models tell what so many images take
TRAINING, INFERENCE = Objective("training"), Objective("inference")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFigures:
    """A study: what is true of all its trials as `tags`, its own `metrics`, and its `trials`."""

    name: str
    tags: dict[str, str]
    metrics: dict[str, float]
    trials: tuple[TrialFigures, ...]
    machine: JsonDict = field(default_factory=dict[str, Any])


def study_figures(priced: PricedStudy, units: OtherUnits | None = None) -> StudyFigures:
    """The figures of all trials of a study, at its prices."""
    told = _Teller(priced, units)
    metrics = {
        "spent_joules": priced.spent_joules,
        "one_by_one_joules": priced.attributed_joules,
        "trials": float(len(priced.study.results)),
        "front_size": float(len(priced.front)),
    }
    if priced.front:
        metrics["expected_wrong"] = priced.expected_wrong
    return StudyFigures(
        name=priced.study.name,
        tags=told.common,
        metrics=metrics,
        trials=tuple(told.trial(trial) for trial in priced.study.trials),
        machine=dict(priced.study.machine),
    )


def trial_alone(study: StudyRecord, number: int, objective: Objective) -> TrialFigures:
    """One trial as it is known when it ends: priced by its own stages, with no place among others.

    That takes no longer in a study of thousands.
    """
    trial = next(one for one in study.trials if one.number == number)
    uses = () if trial.result is None else trial.result.stages
    needed = {use.cost_key for use in uses}
    stages = {key: one for key, one in study.stages.items() if one.cost_key in needed}
    alone = dataclasses.replace(study, trials=(trial,), stages=stages, constraints={})
    told = _Teller(PricedStudy(alone, objective), None).trial(trial)
    among = ("place", "configuration")
    return dataclasses.replace(
        told,
        params={name: value for name, value in trial.params.items() if value is not None},
        metrics={name: value for name, value in told.metrics.items() if name != "belongs"},
        tags={name: text for name, text in told.tags.items() if name not in among},
    )


@dataclass(frozen=True)
class _Teller:
    """Tells trials of a study."""

    priced: PricedStudy
    units: OtherUnits | None

    @cached_property
    def common(self) -> dict[str, str]:
        """What is true of all figures of the study."""
        meter, objective = self.priced.study.meter, self.priced.objective
        low, high = (*meter.scale_band, 1.0, 1.0)[:2]
        tags = {
            "study": self.priced.study.name,
            "quality": self.priced.quality,
            "sources": ", ".join(meter.sources),
            "domains": ", ".join(meter.domains),
            "scale_band": f"{low:.3g} to {high:.3g}",
            "uncertainty": "95 %",
            "objective": objective.name,
            "device_class": str(self.priced.study.machine.get("device_class") or ""),
        }
        tags |= {"images": str(objective.images)} if objective.name == "lifetime" else {}
        tags |= {} if self.units is None else {"emissions": self.units.factors_text}
        return {name: text for name, text in tags.items() if text}

    @property
    def _emitted(self) -> float | None:
        """Kilograms of CO2e a kilowatt-hour; None where that is not given."""
        return None if self.units is None else self.units.kilograms_per_kwh

    @cached_property
    def parts(self) -> MachineParts:
        """Of which part of the machine joules are."""
        return MachineParts(self.priced.study.stages, self.priced.prices)

    @cached_property
    def places(self) -> Mapping[int, str]:
        """Where each trial stands, by its number."""
        members = {row.trial for row in self.priced.front}
        placed = {number: row.trial in members for number, row in self.priced.row_by_trial.items()}
        excluded = {row.trial for row in self.priced.excluded}
        kept = {
            number: "excluded"
            for number, row in self.priced.unconstrained.row_by_trial.items()
            if row.trial in excluded
        }
        return {**kept, **{one: "front" if on else "dominated" for one, on in placed.items()}}

    def trial(self, trial: TrialRecord) -> TrialFigures:
        dials, result = Dials.of(trial), trial.result
        seed = dials.get(SEED)
        params = {**dials.pick(self.priced.axes), **({} if seed is None else {SEED: seed})}
        tags = {**self.common, "trial": str(trial.number), "state": trial.state}
        tags["command"] = command(trial)
        row = self._row(trial.number)
        if row is not None:
            tags |= {"configuration": str(row.trial), "place": self.places[trial.number]}
            tags |= {"contended": ", ".join(row.contended)} if row.contended else {}
        if (why := trial.error or (result and result.infeasible)) is not None:
            tags["reason"] = " ".join(str(why).split())
        found = TrialFigures(
            number=trial.number,
            state=trial.state,
            params={name: value for name, value in params.items() if value is not None},
            settings=settings_of(trial),
            metrics={},
            tags=tags,
        )
        return found if result is None else self._measured(found, result, row)

    def _row(self, number: int) -> Row | None:
        rows = self.priced.row_by_trial, self.priced.unconstrained.row_by_trial
        return next((one[number] for one in rows if number in one), None)

    def _measured(self, found: TrialFigures, result: TrialResult, row: Row | None) -> TrialFigures:
        metrics = {**accuracy_figures(result), **self._joules(result), **row_figures(row)}
        if result.peak_memory_bytes is not None:
            metrics["peak_memory_bytes"] = float(result.peak_memory_bytes)
        started, ended = self._times(result)
        epochs = self._epochs(result)
        return dataclasses.replace(
            found, metrics=metrics, epochs=tuple(epochs), started=started, ended=ended
        )

    def _joules(self, result: TrialResult) -> dict[str, float]:
        """What a trial costs by the objective, in training, and for an image or a thousand."""
        metrics: dict[str, float] = {}
        if result.infeasible is None:
            metrics |= self._figure("", demand(result, self.priced.objective))
            images = self._figure("", demand(result, INFERENCE))
            if images:
                joules, error = images.values()
                metrics["joules_per_image"] = joules
                metrics["uncertainty_joules_per_image"] = error
                label = f"joules_per_{IMAGES_OF_A_LABEL}_images"
                metrics[label] = IMAGES_OF_A_LABEL * joules
                metrics[f"{label}_low"] = IMAGES_OF_A_LABEL * max(0.0, joules - error)
                metrics[f"{label}_high"] = IMAGES_OF_A_LABEL * (joules + error)
        training = self._figure("training_", demand(result, TRAINING))
        if training and self._emitted is not None:
            hours = training["training_joules"] / JOULES_PER_KILOWATT_HOUR
            metrics["training_kg_co2e"] = hours * self._emitted
        return {**metrics, **training, **(self._training_parts(result) if training else {})}

    def _training_parts(self, result: TrialResult) -> dict[str, float]:
        wanted = demand(result, TRAINING)
        pools = self.priced.prices.parts(wanted)
        found = self.parts.joules(wanted)
        seconds = math.fsum(units * pool.seconds_per_unit for pool, units in pools)
        joules = {f"training_{part}_joules": amount for part, amount in found.items()}
        return {"training_seconds": seconds, **joules}

    def _figure(self, prefix: str, wanted: Usage) -> dict[str, float]:
        """Joules and their uncertainty; nothing where a part of them was never measured."""
        try:
            joules, error = self.priced.prices.joules(wanted)
        except KeyError:
            return {}
        if not wanted:
            return {}
        return {f"{prefix}joules": joules, f"{prefix}uncertainty_joules": error}

    def _epochs(self, result: TrialResult) -> list[JsonDict]:
        """The reading of each epoch, with its loss if that was stored; empty where one is gone."""
        records = self.priced.study.stages
        readings = epoch_readings(result.stages, records) or []
        curve = epoch_curve(result, records)
        losses = [None] * len(readings) if curve is None else curve.losses
        return [
            reading if loss is None else {**reading, "loss": loss}
            for reading, loss in zip(readings, losses, strict=True)
        ]

    def _times(self, result: TrialResult) -> tuple[float | None, float | None]:
        records = self.priced.study.stages
        found = [records[use.key] for use in result.stages if use.key in records]
        readings = [mark.reading for record in found for mark in record.marks]
        begun = [(one.started, one.started + one.seconds) for one in readings if one.started]
        if not begun:
            return None, None
        return min(start for start, _ in begun), max(end for _, end in begun)

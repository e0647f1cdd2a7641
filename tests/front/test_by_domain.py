from __future__ import annotations

import dataclasses
import math

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.by_domain import PartsTable, domain_sums
from energy_sweep.record import DomainEnergy, EnergyReading, Objective, Quality, StudyRecord


def with_memory(study: StudyRecord, share: float) -> StudyRecord:
    """The same study where so much of every reading is memory's."""

    def parted(reading: EnergyReading) -> EnergyReading:
        [whole] = reading.domains
        memory = DomainEnergy(
            domain="memory",
            joules=share * whole.joules,
            uncertainty_joules=0.0,
            source="toy",
            quality=Quality.ESTIMATED,
        )
        rest = dataclasses.replace(whole, joules=(1 - share) * whole.joules)
        return dataclasses.replace(reading, domains=(rest, memory))

    stages = {
        key: dataclasses.replace(
            record,
            marks=tuple(dataclasses.replace(m, reading=parted(m.reading)) for m in record.marks),
        )
        for key, record in study.stages.items()
    }
    return dataclasses.replace(study, stages=stages)


@pytest.mark.parametrize("name", ["training", "inference", "lifetime"])
def test_parts_add_up_to_the_joules_of_a_row(name: str) -> None:
    priced = PricedStudy(with_memory(toy_study.grid(), 0.25), Objective(name=name))
    table = PartsTable(priced)
    for row in priced.rows:
        parts = table.parts(row.trial)
        assert math.fsum(parts.by_stage.values()) == pytest.approx(row.joules)
        assert parts.by_domain == pytest.approx(
            {"cpu": 0.75 * row.joules, "memory": 0.25 * row.joules}
        )
        if name == "training":
            charged = {
                stage: share.joules for stage, share in row.stages.items() if stage != "infer"
            }
            assert parts.by_stage == pytest.approx(charged)


def test_joules_of_a_step_are_those_of_the_epochs_over_their_steps() -> None:
    study = toy_study.grid(batches=(32,), rates=(0.01,), levels=(0.0,))
    trials = [
        dataclasses.replace(
            trial,
            result=dataclasses.replace(
                trial.result, facts={"steps_per_epoch": 50, "updates_per_epoch": 25}
            ),
        )
        for trial in study.trials
        if trial.result is not None
    ]
    told = PricedStudy(dataclasses.replace(study, trials=tuple(trials)), Objective(name="training"))
    for row in told.rows:
        parts = PartsTable(told).parts(row.trial)
        steps = 50 * row.params["epochs"]
        assert parts.per_iteration == pytest.approx(row.joules / steps)
        assert parts.per_update == pytest.approx(2 * row.joules / steps)
    silent = PricedStudy(study, Objective(name="training"))
    assert PartsTable(silent).parts(silent.rows[0].trial).per_iteration is None


def test_sums_by_domain_are_all_that_was_spent() -> None:
    study = with_memory(toy_study.grid(), 0.25)
    sums = domain_sums(study.stages.values())
    total = math.fsum(record.spent_joules for record in study.stages.values())
    assert sums == pytest.approx({"cpu": 0.75 * total, "memory": 0.25 * total})

"""What a sweep spent on itself is all that made no net, by what it was for."""

from __future__ import annotations

from typing import Any

import pytest

from energy_sweep.front.overhead import MAKING_STAGES, PURPOSES, overhead
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import (
    MEASURING_STAGES,
    TRAINING_STAGES,
    DomainEnergy,
    EnergyReading,
    Mark,
    MeterFacts,
    Quality,
    StageRecord,
    StudyRecord,
)
from energy_sweep.report.tables import overhead_sentence


def record(stage: str, joules: float, lost: float = 0.0, **changes: Any) -> StageRecord:
    def marks(joules: float) -> tuple[Mark, ...]:
        part = DomainEnergy(
            domain="cpu",
            joules=joules,
            uncertainty_joules=0.0,
            source="s",
            quality=Quality.ESTIMATED,
        )
        return (Mark(units=1, reading=EnergyReading(domains=(part,), seconds=1.0)),)

    key = f"{stage}{joules}"
    return StageRecord(
        stage=stage, key=key, cost_key=key, marks=marks(joules), lost=marks(lost), **changes
    )


def test_every_stage_is_one_of_the_two() -> None:
    stages = {*TRAINING_STAGES, *MEASURING_STAGES}
    assert {*MAKING_STAGES, *PURPOSES, "calibrate"} == stages
    assert not set(MAKING_STAGES) & {*PURPOSES, "calibrate"}


def test_joules_are_told_by_what_they_were_for() -> None:
    records = [
        record("trunk", 60.0, lost=20.0),
        record("recover", 20.0),
        record("pretrain", 500.0, elsewhere="trial 7 of another"),
        record("export", 3.0, lost=1.0),
        record("infer", 2.0),
        record("calibrate", 1.0),
        record("calibrate", 5.0, facts={"plan": {}}),
        record("calibrate", 0.5, facts={"bought": "confirm"}),
        record("wait", 0.25),
    ]
    found = overhead(study(records).study)
    assert found.training_joules == 100.0
    assert found.parts == {
        "plans": 5.0,
        "export": 4.0,
        "timing": 3.0,
        "certainty": 0.5,
        "waiting": 0.25,
    }
    assert list(found.parts) == ["plans", "export", "timing", "certainty", "waiting"]
    assert found.share == pytest.approx(0.1275) and found.joules == pytest.approx(12.75)
    said = overhead_sentence(study(records))
    assert said.startswith(" On itself: 13% of the joules of training (plans 5 J, export 4 J,")


def test_nothing_trained_has_no_share() -> None:
    found = overhead(study([record("prepare", 1.0)]).study)
    assert found.share is None and found.parts == {"warm-up": 1.0}
    assert overhead_sentence(study([record("prepare", 1.0)])) == ""
    assert overhead(study([]).study).joules == 0.0


def study(records: list[StageRecord]) -> PricedStudy:
    meter = MeterFacts(sources=("s",), domains=("cpu",), quality=Quality.ESTIMATED)
    return PricedStudy(
        StudyRecord(name="s", trials=(), stages={r.key: r for r in records}, meter=meter)
    )

from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.curves import epoch_curve, length_curves
from energy_sweep.record import Objective, StageRecord

TRAINING = Objective(name="training")


def test_lines_join_what_differs_in_epochs_alone() -> None:
    priced = PricedStudy(toy_study.grid(), TRAINING)
    curves = length_curves(priced.rows)
    assert len(curves) == 12
    assert sorted(row.trial for curve in curves for row in curve.rows) == sorted(
        row.trial for row in priced.rows
    )
    for curve in curves:
        assert [row.params["epochs"] for row in curve.rows] == [10, 20]
        for row in curve.rows:
            assert {**curve.params, "epochs": row.params["epochs"]} == row.params
    alone = PricedStudy(toy_study.grid(epochs=(10,)), TRAINING)
    assert length_curves(alone.rows) == ()


def trunk(key: str, count: int, **facts: object) -> StageRecord:
    marks = tuple((1.0, float(epoch), 0.0) for epoch in range(1, count + 1))
    made = toy_study.stage("trunk", key, "epoch", *marks)
    return dataclasses.replace(made, facts=dict(facts))


def test_an_epoch_has_its_reading_and_its_loss_where_that_was_stored() -> None:
    uses = [("trunk", "t", "epoch", 3.0), ("cooldown", "c", "epoch", 1.0)]
    result = toy_study.trial(0, uses).result
    assert result is not None
    cooldown = dataclasses.replace(trunk("c", 1), stage="cooldown")
    records = {"t": trunk("t", 5, losses={"1": 2.0, "2": 1.0, "5": 0.1}), "c": cooldown}
    curve = epoch_curve(result, records)
    assert curve is not None
    assert curve.stages == ("trunk", "trunk", "trunk", "cooldown")
    assert curve.joules == (1.0, 2.0, 3.0, 1.0)
    assert curve.spent == pytest.approx((1.0, 3.0, 6.0, 7.0))
    assert curve.losses == (2.0, 1.0, None, None)
    assert epoch_curve(result, {"c": cooldown}) is None
    assert epoch_curve(result, {**records, "t": trunk("t", 2)}) is None


def test_marks_of_several_epochs_are_no_curve() -> None:
    [first, *_] = toy_study.grid().trials
    assert first.result is not None
    assert epoch_curve(first.result, toy_study.grid().stages) is None

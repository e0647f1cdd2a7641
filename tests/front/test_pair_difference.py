"""Two configurations side by side: settings, figures by stage, what cancels, what is sure."""

from __future__ import annotations

import dataclasses
import math

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.pair_difference import pair_difference
from energy_sweep.record import BadInput, Objective, StudyRecord
from energy_sweep.report.pair_table import pair_table

LIFE = Objective(images=1000)


def study(contended: bool | None = None) -> StudyRecord:
    """A net, and one that shares its trunk, is recovered, and answers for half of the joules."""
    trunk = ("trunk", "t", "epoch", 10.0)
    trials = [
        toy_study.trial(0, [trunk, ("infer", "i", "dense", 500.0)], correct=340, level=0),
        toy_study.trial(
            1,
            [trunk, ("recover", "r", "again", 3.0), ("infer", "j", "half", 500.0)],
            correct=341,
            level=1,
        ),
    ]
    stages = [
        toy_study.stage("trunk", "t", "epoch", (10, 100.0, 50.0)),
        toy_study.stage("recover", "r", "again", (3, 6.0, 0.3), contended=contended),
        toy_study.stage("infer", "i", "dense", (500, 5.0, 0.05)),
        toy_study.stage("infer", "j", "half", (500, 2.5, 0.05)),
    ]
    record = toy_study.study(trials, stages)
    facts = [{"inference": {"1": "i", "64": "dense"}, "bytes": 900}, {"bytes": 300}]
    known = tuple(
        dataclasses.replace(trial, result=dataclasses.replace(trial.result, facts=fact))
        for trial, fact in zip(record.trials, facts, strict=True)
        if trial.result is not None
    )
    return dataclasses.replace(record, trials=known)


def test_every_difference_is_the_second_minus_the_first() -> None:
    pair = pair_difference(PricedStudy(study(), LIFE), 0, 1)
    assert pair.settings == {"dials.level": (0, 1)}
    assert pair.accuracy.change == pytest.approx(1 / toy_study.IMAGES)
    assert pair.joules.change == pytest.approx(6.0 - 5.0)
    assert set(pair.stages) == {"trunk", "recover", "infer"}
    assert pair.stages["trunk"].joules.change == 0.0
    assert (pair.stages["recover"].first, pair.stages["recover"].second) == (None, 6.0)
    assert pair.stages["infer"].joules.change == pytest.approx(-5.0)
    assert math.fsum(one.joules.change for one in pair.stages.values()) == pytest.approx(
        pair.joules.change
    )
    assert pair.per_image is not None
    assert pair.per_image.change == pytest.approx(-5e-3)
    assert pair.per_image.share == pytest.approx(-0.5)
    assert pair.per_image.is_sure


def test_a_shared_trunk_that_is_known_to_half_of_it_does_not_make_a_difference_unsure() -> None:
    priced = PricedStudy(study(), LIFE)
    assert priced.rows[0].uncertainty_joules > 50
    pair = pair_difference(priced, 0, 1)
    off = math.hypot(0.3, 1000 / 500 * 0.05, 1000 / 500 * 0.05)
    assert pair.joules.high - pair.joules.change == pytest.approx(off)
    assert pair.joules.is_sure


def test_the_other_way_round_all_signs_turn() -> None:
    priced = PricedStudy(study(), LIFE)
    there, back = pair_difference(priced, 0, 1), pair_difference(priced, 1, 0)
    assert back.joules.change == pytest.approx(-there.joules.change)
    assert back.joules.low == pytest.approx(-there.joules.high)
    assert (back.accuracy.low, back.accuracy.high) == pytest.approx(
        (-there.accuracy.high, -there.accuracy.low)
    )
    assert back.accuracy.p_value == pytest.approx(there.accuracy.p_value)


def test_what_rests_on_contended_windows_is_not_known() -> None:
    priced = PricedStudy(study(contended=True), LIFE)
    pair = pair_difference(priced, 0, 1)
    assert pair.joules.is_sure is pair.stages["recover"].joules.is_sure is None
    assert pair.stages["infer"].joules.is_sure
    assert "which costs less is not known" in pair_table(priced, pair)


def test_the_table_has_every_figure_once_and_fits() -> None:
    priced = PricedStudy(study(), LIFE)
    pair = pair_difference(priced, 0, 1)
    for width in (60, 80, 120):
        text = pair_table(priced, pair, width=width)
        assert all(len(line) <= width for line in text.splitlines())
    text = pair_table(priced, pair)
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert "+1 ± " in lines["joules"] and lines["joules"].endswith("yes")
    assert "10,000 J" in lines["1 million images"]
    assert "-5,000 ± " in lines["1 million images"]
    assert "-600" in lines["bytes"]
    assert "trial 0 surely costs less; which is more accurate is not sure." in text
    assert lines["ms for 64"].split() == ["ms", "for", "64", "128", "-"]


def test_one_configuration_and_what_was_not_measured_are_refused() -> None:
    priced = PricedStudy(study(), LIFE)
    with pytest.raises(BadInput, match="trials 1 and 1 are one configuration"):
        pair_difference(priced, 1, 1)
    with pytest.raises(BadInput, match="trial 9 is none of those"):
        pair_difference(priced, 0, 9)


def test_nested_settings_are_named_as_they_are_typed() -> None:
    record = study()
    configs = [
        {"level": 0.0, "inference_batch": 64, "compression": {"name": "prune"}, "batch": 32},
        {
            "level": 0.5,
            "inference_batch": 64,
            "compression": {
                "steps": [
                    {"technique": {"name": "prune"}, "level": 0.5},
                    {"technique": {"name": "quantize", "per_channel": True}, "level": 0.75},
                ]
            },
            "batch": 32,
        },
    ]
    trials = tuple(
        dataclasses.replace(trial, result=dataclasses.replace(trial.result, config=config))
        for trial, config in zip(record.trials, configs, strict=True)
        if trial.result is not None
    )
    pair = pair_difference(PricedStudy(dataclasses.replace(record, trials=trials), LIFE), 0, 1)
    assert pair.settings == {
        "compression.level": (0.0, 0.5),
        "compression": ("prune", "[prune,quantize]"),
        "compression.prune.level": (None, 0.5),
        "compression.quantize.per_channel": (None, True),
        "compression.quantize.level": (None, 0.75),
    }

from __future__ import annotations

import dataclasses
import math

import pytest
import toy_study

from energy_sweep.front.breakdown import Effort, effort, energy_detail
from energy_sweep.record import JsonDict, Quality, StageRecord, StageUse, TrialResult

METER = dataclasses.replace(toy_study.study([], []).meter, repeatability=0.1)
RECORDS = {
    record.key: record
    for record in (
        toy_study.stage("prepare", "p", "prepare", (1, 1.0, 0.0)),
        toy_study.stage("trunk", "t", "epoch", *[(1, 2.0, 0.0)] * 6, (1, 4.0, 0.0), (1, 4.0, 0.0)),
        toy_study.stage("cooldown", "c", "epoch", (1, 2.0, 0.0), (1, 2.0, 0.0)),
        toy_study.stage("compress", "m", "compress", (1, 3.0, 0.0)),
        toy_study.stage("recover", "r", "recover", (1, 1.0, 0.0)),
        toy_study.stage("infer", "i", "infer", (100, 5.0, 0.0)),
    )
}
FACTS: JsonDict = {
    "steps_per_epoch": 14,
    "updates_per_epoch": 7,
    "train_images": 900,
    "trained_parameters": 1000,
    "parameters": 600,
}


def result(correct: int | None = 90, facts: JsonDict = FACTS, trunk: float = 4) -> TrialResult:
    uses = [("prepare", "p", "prepare", 1), ("trunk", "t", "epoch", trunk)]
    uses += [("cooldown", "c", "epoch", 2), ("compress", "m", "compress", 1)]
    uses += [("recover", "r", "recover", 1), ("infer", "i", "infer", 100)]
    return TrialResult(
        config={"batch": 64},
        seed=0,
        stages=tuple(StageUse(stage=s, key=k, cost_key=c, units=u) for s, k, c, u in uses),
        n_validation=100,
        correct=correct,
        facts=facts,
    )


def detail(of: TrialResult, records: dict[str, StageRecord] = RECORDS) -> JsonDict:
    return energy_detail(of, records=records, meter=METER)


def test_pieces_times_their_number_are_the_epochs_and_stages_are_the_whole() -> None:
    energy, done = detail(result()), effort(result())
    # The pool of epochs has ten marks of 24 J: six of them are this trial's.
    epochs = 6 * 2.4 + 1.0
    assert energy["training"]["joules"] == pytest.approx(1.0 + epochs + 3.0)
    assert sum(line["joules"] for line in energy["stages"].values()) == pytest.approx(
        energy["training"]["joules"]
    )
    assert done == Effort(
        epochs=7, iterations=98, updates=49, images=98 * 64, parameter_updates=42_000 + 7 * 600
    )
    for name, pieces in (
        ("per_epoch", done.epochs),
        ("per_iteration", done.iterations),
        ("per_update", done.updates),
        ("per_training_image", done.images),
        ("per_parameter_update", done.parameter_updates),
    ):
        assert pieces is not None
        assert energy[name]["joules"] * pieces == pytest.approx(epochs), name
        assert energy[name]["uncertainty_joules"] * pieces == pytest.approx(0.1 * epochs), name
        assert energy[name]["quality"] == "estimated"
    assert energy["per_image"]["joules"] == pytest.approx(0.05)


def test_twice_the_updates_of_one_batch_cost_half_as_much_each() -> None:
    every = detail(result(facts=FACTS | {"updates_per_epoch": 14}))
    assert every["per_update"] == every["per_iteration"]
    assert detail(result())["per_update"]["joules"] == pytest.approx(
        2 * every["per_update"]["joules"]
    )


def test_a_joule_is_a_joule_in_kilowatt_hours() -> None:
    training = detail(result())["training"]
    assert training["kilowatt_hours"] * 3_600_000 == pytest.approx(training["joules"])


def test_efficiency_is_accuracy_over_training_joules_and_unsure_of_both() -> None:
    energy = detail(result())
    joules, found = energy["training"]["joules"], energy["efficiency"]
    assert found["accuracy_per_joule"] == pytest.approx(0.9 / joules)
    assert found["percent_per_kilojoule"] == pytest.approx(90 / (joules / 1000))
    from_joules = 0.9 / joules * energy["training"]["uncertainty_joules"] / joules
    assert found["uncertainty_per_joule"] > from_joules
    nothing_right = detail(result(correct=0))["efficiency"]
    assert nothing_right["accuracy_per_joule"] == 0.0 < nothing_right["uncertainty_per_joule"]


def test_epochs_are_the_readings_of_this_trial_and_not_of_longer_ones() -> None:
    epochs = detail(result())["epochs"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4, 5, 6, 7]
    assert [line["stage"] for line in epochs] == ["trunk"] * 4 + ["cooldown"] * 2 + ["recover"]
    assert [line["joules"] for line in epochs] == [2.0] * 6 + [1.0]


def test_what_is_not_known_is_none_and_never_0() -> None:
    bare = detail(result(facts={}, correct=None))
    assert bare["per_epoch"] is not None
    for name in ("per_iteration", "per_update", "per_parameter_update", "efficiency"):
        assert bare[name] is None, name
    assert bare["stages"]["trunk"]["epochs"] == 4 and bare["stages"]["trunk"]["iterations"] is None
    assert bare["stages"]["compress"]["epochs"] is None
    unmeasured = detail(result(), {key: RECORDS[key] for key in ("p", "t", "c", "m")})
    for name in ("training", "per_epoch", "per_image", "efficiency", "epochs"):
        assert unmeasured[name] is None, name
    assert unmeasured["stages"]["recover"]["joules"] is None
    assert detail(result(trunk=20))["epochs"] is None


def test_a_figure_is_as_good_as_its_worst_reading() -> None:
    trunk = RECORDS["t"]
    reading = trunk.marks[0].reading
    counted = dataclasses.replace(reading.domains[0], quality=Quality.COUNTER)
    mark = dataclasses.replace(
        trunk.marks[0], reading=dataclasses.replace(reading, domains=(counted,))
    )
    better = {**RECORDS, "i": dataclasses.replace(RECORDS["i"], marks=(mark,))}
    energy = detail(result(), better)
    assert (energy["per_image"]["quality"], energy["training"]["quality"]) == (
        "counter",
        "estimated",
    )


def test_joules_that_are_no_numbers_are_never_written() -> None:
    empty = {key: dataclasses.replace(record, marks=()) for key, record in RECORDS.items()}
    energy = detail(result(), empty)
    assert energy["training"] is None and energy["efficiency"] is None
    numbers = [line["joules"] for line in detail(result())["epochs"]]
    assert all(map(math.isfinite, numbers))


def test_images_have_a_price_for_each_batch_that_was_measured() -> None:
    records = {**RECORDS, "one": toy_study.stage("infer", "one", "one", (10, 2.0, 0.0))}
    facts = {**FACTS, "inference": {"1": "one", "64": "infer", "128": "never"}}
    found = detail(result(facts=facts), records)["per_image_by_batch"]
    assert found["1"]["joules"] == pytest.approx(0.2)
    assert found["64"]["joules"] == pytest.approx(0.05)
    assert found["128"] is None
    assert detail(result())["per_image_by_batch"] == {}

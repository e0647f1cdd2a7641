from __future__ import annotations

import dataclasses
import math

import pytest
import toy_study

from energy_sweep import front
from energy_sweep.front.configurations import command, joules_text, varying
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.record import EnergySweepError, Objective, StudyRecord, from_json, to_json
from energy_sweep.report import html_page, tables
from energy_sweep.report.page_data import page_data
from energy_sweep.uncertainty.intervals import wilson

TRAINING = Objective(name="training")


def two_seeds() -> StudyRecord:
    """Configuration a with seeds 0 and 1 (trials 0 and 2), b with one; infer is shared by both."""
    infer = ("infer", "graph", "infer", 1000.0)
    trials = [
        toy_study.trial(0, [("trunk", "t0", "epoch", 10), infer], correct=340, lr=0.1),
        toy_study.trial(1, [("trunk", "t1", "epoch", 20), infer], correct=350, lr=0.2),
        toy_study.trial(2, [("trunk", "t2", "epoch", 12), infer], correct=330, seed=1, lr=0.1),
    ]
    stages = [
        toy_study.stage("trunk", "t0", "epoch", (10, 20.0, 0.2)),
        toy_study.stage("trunk", "t1", "epoch", (20, 40.0, 0.4)),
        toy_study.stage("infer", "graph", "infer", (1000, 10.0, 0.1)),
    ]
    return toy_study.study(trials, stages)


def test_seeds_of_a_configuration_are_one_row() -> None:
    first, second = front.rows(two_seeds(), TRAINING)
    assert (first.trial, first.seeds) == (0, (0, 1))
    assert first.accuracy == 670 / 718
    assert first.n_validation == toy_study.IMAGES
    assert first.joules == pytest.approx(22.0)  # 11 epochs of 2 J
    assert (second.trial, second.seeds) == (1, (0,))


def test_what_seeds_differ_in_is_part_of_the_interval() -> None:
    both, alone = front.rows(two_seeds(), TRAINING)
    images, accuracy = wilson(335, 359), 335 / 359
    seeds = 12.7062 * 10 / 359 / 2  # Student's t with 1 degree of freedom, of 330 and 340 of 359
    assert both.accuracy_low == pytest.approx(
        accuracy - math.hypot(accuracy - images.low, seeds), abs=1e-5
    )
    assert both.accuracy_high == 1.0
    assert (alone.accuracy_low, alone.accuracy_high) == wilson(350, 359)
    assert (both.n, alone.n) == (2, 1)


def test_every_face_says_how_many_seeds_there_are() -> None:
    study = two_seeds()
    priced = front.PricedStudy(study, TRAINING)
    document = front.front_document(study, TRAINING)
    assert {row["trial"]: row["n"] for row in (*document["front"], *document["dominated"])} == {
        0: 2,
        1: 1,
    }
    lines = [line.split(",") for line in front.as_csv(priced).splitlines()]
    assert {line[0]: line[lines[0].index("n")] for line in lines[1:]} == {"0": "2", "1": "1"}
    head, *shown = tables.front_table(priced).splitlines()[1:4]
    assert "95 % interval  n" in head and len(shown) == 2
    page = html_page.page(priced)
    assert "<th>n</th>" in page and page_data(priced)["columns"]["n"] == [2, 1]
    assert "(n = 1)" in front.choose(front.rows(study, TRAINING), min_accuracy=0.97).why


def test_each_stage_says_what_it_costs_alone_and_who_shares_it() -> None:
    first, second = front.rows(two_seeds(), TRAINING)
    assert first.stages["infer"].key == "graph"
    assert first.stages["infer"].shared_by == second.stages["infer"].shared_by == 1
    assert first.stages["trunk"].shared_by == 0
    assert first.stages["trunk"].joules == pytest.approx(22.0)
    assert second.stages["trunk"].joules == pytest.approx(40.0)
    assert first.joules_per_image == pytest.approx(0.01)


def test_params_are_the_axes_that_vary_by_the_names_typed() -> None:
    study = toy_study.grid(batches=(32,))
    assert varying(study) == ("lr", "epochs", "compression.level")
    assert front.rows(study, TRAINING)[0].params == {
        "lr": 0.001,
        "epochs": 10,
        "compression.level": 0.0,
    }
    assert varying(two_seeds()) == ("lr",)


def test_the_peak_is_the_largest_over_seeds() -> None:
    assert front.rows(two_seeds(), TRAINING)[0].peak_memory_bytes == 102


def test_infeasible_trials_are_apart_with_what_their_training_took() -> None:
    study = toy_study.grid(batches=(64,), rates=(0.01, 10.0), epochs=(10,))
    found = PricedStudy(study).infeasible
    assert [one.trial for one in found] == [2, 3]
    assert found[0].reason == "the loss diverged"
    assert found[0].params == {"lr": 10.0, "compression.level": 0.0}
    assert found[0].joules == pytest.approx(1.0)
    assert [row.trial for row in front.rows(study, TRAINING)] == [0, 1]


def test_a_misfit_that_was_never_metered_has_no_joules() -> None:
    trial = toy_study.trial(0, [("trunk", "t", "epoch", 1)], correct=None, lr=9)
    study = toy_study.study([trial], [])
    assert PricedStudy(study).infeasible[0].joules is None


def test_joules_known_in_part_are_not_joules() -> None:
    uses = [("trunk", "t", "epoch", 1), ("recover", "r", "again", 1)]
    trial = toy_study.trial(0, uses, correct=None, lr=9)
    study = toy_study.study([trial], [toy_study.stage("trunk", "t", "epoch", (1, 2.0, 0.0))])
    assert PricedStudy(study).infeasible[0].joules is None


def test_a_missing_reading_is_an_error_never_nothing() -> None:
    study = dataclasses.replace(two_seeds(), stages={})
    with pytest.raises(EnergySweepError, match="trial 0 cannot be priced"):
        front.rows(study, TRAINING)


def test_the_rows_survive_json() -> None:
    study = toy_study.grid()
    again = from_json(StudyRecord, to_json(study))
    assert front.rows(again, Objective()) == front.rows(study, Objective())


def test_the_command_repeats_the_overrides_and_quotes_them() -> None:
    trial = toy_study.trial(3, [], batch=32, lr=0.1)
    assert command(trial) == "python -m energy_sweep batch=32 lr=0.1 seed=0"
    odd = dataclasses.replace(trial, overrides=("name=a b",))
    assert command(odd) == "python -m energy_sweep 'name=a b'"
    bare = dataclasses.replace(trial, overrides=())
    assert command(bare) == "python -m energy_sweep batch=32 lr=0.1 seed=0"


@pytest.mark.parametrize(
    ("joules", "uncertainty", "text"),
    [
        (0.0, None, "0 J"),
        (1.2345e-05, None, "1.23e-05 J"),
        (504.04, 21.2, "504 ± 21 J"),
        (999.6, None, "1,000 J"),
        (123456.7, 1234.5, "123,457 ± 1,234 J"),
    ],
)
def test_joules_are_written_with_three_digits(
    joules: float, uncertainty: float | None, text: str
) -> None:
    assert joules_text(joules, uncertainty) == text

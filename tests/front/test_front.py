from __future__ import annotations

import csv
import io
import itertools
import json
import random

import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep import front
from energy_sweep.front.configurations import Row
from energy_sweep.record import BadInput, NothingFits, Objective

POINTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=25)
TRAINING = Objective(name="training")
ROW_KEYS = {
    "net_joules",
    *("trial", "config", "params", "accuracy", "accuracy_low", "accuracy_high", "n_validation"),
    *(
        "joules",
        "uncertainty_joules",
        "noise_joules",
        "seeds",
        "n",
        "rivals",
        "stages",
        "joules_per_image",
    ),
    *("peak_memory_bytes", "beaten_by", "contended", "level", "removed", "zeros", "belongs"),
    *("file_bytes", "macs", "latency_seconds", "latency_p50_seconds", "latency_p95_seconds"),
    *("latency_runs", "efficiency", "kilowatt_hours"),
}


def row(trial: int, accuracy: float, joules: float, half: float = 0.01) -> Row:
    return Row(
        trial=trial,
        config={},
        params={"lr": trial},
        accuracy=accuracy,
        accuracy_low=accuracy - half,
        accuracy_high=accuracy + half,
        n_validation=359,
        joules=joules,
        uncertainty_joules=0.1,
        noise_joules=0.05,
        net_joules=None,
        seeds=(0,),
        n=1,
        rivals=(),
        beaten_by=(),
        contended=(),
        stages={},
        joules_per_image=None,
        peak_memory_bytes=None,
    )


def dominates(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] >= b[0] and a[1] <= b[1] and a != b


@given(POINTS)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    found = front.pareto(points)
    expected = {
        i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)
    }
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[i][1] for i in found] == sorted(points[i][1] for i in found)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(
    points: list[tuple[int, int]], chance: random.Random
) -> None:
    shuffled = points[:]
    chance.shuffle(shuffled)
    before = sorted(points[i] for i in front.pareto(points))
    assert before == sorted(shuffled[i] for i in front.pareto(shuffled))


@given(POINTS, st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_hypervolume_counts_the_cells_dominated(
    points: list[tuple[int, int]], reference: tuple[int, int]
) -> None:
    cells = sum(
        any(a > x and j <= y for a, j in points)
        for x, y in itertools.product(range(reference[0], 13), range(reference[1]))
    )
    assert front.hypervolume(points, reference) == cells


def test_the_zeus_front_of_the_literature_is_its_own_front() -> None:
    published = [(0.315, 9.8), (0.40, 9.9), (0.41, 11.1), (0.50, 14.5), (0.51, 19.8)]
    published += [(0.52, 22.2), (0.59, 29.1), (0.60, 43.6)]
    worse = [(accuracy - 0.01, joules + 1) for accuracy, joules in published]
    assert front.pareto([*worse, *published]) == tuple(range(8, 16))


def test_the_numbers_of_the_front_are_those_of_the_document() -> None:
    study = toy_study.grid()
    for name in ("training", "inference", "lifetime"):
        objective = Objective(name=name)
        document = front.front_document(study, objective)
        assert front.pareto_numbers(study, objective) == tuple(
            line["trial"] for line in document["front"]
        )


def test_a_shared_trunk_cancels_in_the_comparison() -> None:
    trunk = ("trunk", "t", "epoch", 10.0)
    trials = [
        toy_study.trial(0, [trunk], level=0),
        toy_study.trial(1, [trunk, ("recover", "r", "again", 3.0)], level=1),
    ]
    stages = [
        toy_study.stage("trunk", "t", "epoch", (10, 100.0, 50.0)),
        toy_study.stage("recover", "r", "again", (3, 1.0, 0.1)),
    ]
    cheap, dear = front.rows(toy_study.study(trials, stages), TRAINING)
    assert cheap.uncertainty_joules > dear.joules - cheap.joules
    assert (cheap.rivals, cheap.beaten_by) == ((), ())
    assert (dear.rivals, dear.beaten_by) == ((), (0,))


def test_accuracy_within_noise_and_fewer_joules_beat_a_member_of_the_front() -> None:
    trials = [
        toy_study.trial(0, [("trunk", "a", "a", 1)], correct=340, lr=1),
        toy_study.trial(1, [("trunk", "b", "b", 1)], correct=341, lr=2),
        toy_study.trial(2, [("trunk", "c", "c", 1)], correct=200, lr=3),
    ]
    stages = [
        toy_study.stage("trunk", key, key, (1, joules, 0.1))
        for key, joules in (("a", 1.0), ("b", 5.0), ("c", 4.0))
    ]
    cheap, dear, poor = front.rows(toy_study.study(trials, stages), TRAINING)
    assert [row.rivals for row in (cheap, dear, poor)] == [(), (), ()]
    assert [row.beaten_by for row in (cheap, dear, poor)] == [(), (0,), (0,)]


def test_the_knee_is_where_joules_stop_paying() -> None:
    found = [row(0, 0.5, 1), row(1, 0.90, 2), row(2, 0.94, 10), row(3, 0.95, 100)]
    assert front.knee(found).trial == 1
    assert front.knee([*found, row(4, 0.2, 50)]).trial == 1


@pytest.mark.parametrize(
    ("found", "trial"),
    [
        ([row(0, 0.9, 1)], 0),
        ([row(0, 0.90, 1), row(1, 0.905, 9)], 0),
        ([row(0, 0.50, 1), row(1, 0.90, 2)], 1),
        ([row(0, 0.9, 0.0), row(1, 0.95, 1.0), row(2, 0.951, 9.0)], 1),
        ([row(0, 0.9, 2.0), row(1, 0.9, 2.0), row(2, 0.9, 2.0)], 0),
    ],
)
def test_a_short_or_flat_front_has_a_knee_too(found: list[Row], trial: int) -> None:
    assert front.knee(found).trial == trial


FOUND = [row(0, 0.5, 1), row(1, 0.90, 2), row(2, 0.94, 10), row(3, 0.95, 100), row(4, 0.9, 50)]


@pytest.mark.parametrize(
    ("limits", "trial", "rule"),
    [
        ({}, 1, "the knee of 5"),
        ({"min_accuracy": 0.9}, 1, "the cheapest of 4"),
        ({"min_accuracy": 0.91}, 2, "accuracy of at least 0.91"),
        ({"max_joules": 50}, 2, "the most accurate of 4"),
        ({"min_accuracy": 0.9, "max_joules": 50}, 1, "at most 50 J"),
        ({"min_accuracy": 0.9, "max_joules": 50, "rule": "most_accurate"}, 2, "most accurate"),
        ({"rule": "cheapest"}, 0, "the cheapest of 5"),
        ({"min_accuracy": 0.94, "rule": "knee"}, 2, "the knee of 2"),
    ],
)
def test_choose_says_why(limits: dict[str, float], trial: int, rule: str) -> None:
    choice = front.choose(FOUND, **limits)
    assert choice.row.trial == trial
    assert rule in choice.why
    assert "estimated" in choice.why


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"min_accuracy": 0.99}, "trial 3 (lr=3), accuracy 0.950 [0.940, 0.960] (n = 1) for 100"),
        ({"max_joules": 0.5}, "trial 0"),
        ({"min_accuracy": 0.95, "max_joules": 9}, "trial 1"),
    ],
)
def test_where_nothing_fits_the_nearest_is_named(limits: dict[str, float], nearest: str) -> None:
    with pytest.raises(NothingFits, match="no configuration has") as caught:
        front.choose(FOUND, **limits)
    assert nearest in str(caught.value)
    assert caught.value.exit_code == 3


def test_an_empty_study_fits_nothing() -> None:
    with pytest.raises(NothingFits, match="run the sweep"):
        front.choose([])


@pytest.mark.parametrize(
    "limits", [{"min_accuracy": 95}, {"max_joules": 0}, {"max_joules": float("nan")}, {"rule": "x"}]
)
def test_impossible_limits_are_refused_in_one_line(limits: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="type ") as caught:
        front.choose(FOUND, **limits)
    assert "\n" not in str(caught.value)


def test_the_document_has_the_keys_of_the_contract_and_is_json() -> None:
    study = toy_study.grid(rates=(0.01, 10.0))
    document = front.front_document(study, Objective(images=500))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document) == {
        *("study", "objective", "images", "quality", "machine", "scale_band", "coefficients"),
        *("spent_joules", "attributed_joules", "bill", "trials", "front", "dominated"),
        *("infeasible", "unpriced", "meter", "expected_wrong", "scale_factors", "scale_dependent"),
        *("constraints", "excluded", "overhead", "remembered", "importance", "growth"),
    }
    assert all(set(line) == ROW_KEYS for line in document["front"] + document["dominated"])
    assert set(document["front"][0]["stages"]["infer"]) == {
        *("joules", "key", "shared_by", "contended"),
    }
    assert (document["images"], document["trials"], len(document["infeasible"])) == (500, 16, 8)
    assert len(document["front"]) + len(document["dominated"]) == 8


def test_the_headline_is_the_whole_bill() -> None:
    study = toy_study.grid()
    document = front.front_document(study, Objective())
    lines = document["bill"].values()
    everything = sum(record.spent_joules for record in study.stages.values())
    assert document["spent_joules"] == pytest.approx(everything)
    for name in ("spent_joules", "attributed_joules"):
        assert document[name] == pytest.approx(sum(line[name] for line in lines))
    assert sum(line["spent_share"] for line in lines) == pytest.approx(1.0)
    assert document["attributed_joules"] > document["spent_joules"]


def test_the_csv_holds_every_row_of_the_document() -> None:
    document = front.front_document(toy_study.grid(), TRAINING)
    lines = list(
        csv.DictReader(io.StringIO(front.as_csv(front.PricedStudy(toy_study.grid(), TRAINING))))
    )
    rows = [*document["front"], *document["dominated"]]
    assert [int(line["trial"]) for line in lines] == [one["trial"] for one in rows]
    assert [float(line["joules"]) for line in lines] == [one["joules"] for one in rows]
    for line in lines:
        joules = float(line["joules"])
        assert float(line["kilowatt_hours"]) == pytest.approx(joules / 3.6e6)
        assert float(line["efficiency"]) == pytest.approx(float(line["accuracy"]) / joules)
    assert [line["on_front"] for line in lines].count("1") == len(document["front"])
    assert {line["quality"] for line in lines} == {"estimated"}
    assert lines[0]["compression.level"] == str(rows[0]["params"]["compression.level"])
    assert [int(n) for n in lines[-1]["rivals"].split()] == rows[-1]["rivals"]


def test_a_study_without_results_is_an_empty_document() -> None:
    document = front.front_document(toy_study.study([], []), Objective())
    assert (document["front"], document["dominated"], document["bill"]) == ([], [], {})
    assert front.as_csv(front.PricedStudy(toy_study.study([], []))).startswith(
        "trial,on_front,quality,accuracy"
    )


@pytest.mark.parametrize(
    ("saving", "beaten"), [(0.9, False), (1.2, False), (1.5, True), (3.0, True)]
)
def test_independent_readings_differ_beyond_their_joint_uncertainty(
    saving: float, beaten: bool
) -> None:
    trials = [
        toy_study.trial(0, [("trunk", "a", "a", 1)], lr=1),
        toy_study.trial(1, [("trunk", "b", "b", 1)], lr=2),
    ]
    stages = [
        toy_study.stage("trunk", "a", "a", (1, 10.0, 1.0)),
        toy_study.stage("trunk", "b", "b", (1, 10.0 + saving, 1.0)),
    ]
    cheap, dear = front.rows(toy_study.study(trials, stages), TRAINING)
    assert (cheap.rivals, cheap.beaten_by) == (() if beaten else (1,), ())
    assert (dear.rivals, dear.beaten_by) == (() if beaten else (0,), (0,) if beaten else ())


def test_rows_of_the_document_come_cheapest_first() -> None:
    document = front.front_document(toy_study.grid(), TRAINING)
    for side in ("front", "dominated"):
        joules = [line["joules"] for line in document[side]]
        assert joules == sorted(joules)
    order = [line["trial"] for line in document["dominated"]]
    assert order != sorted(order)

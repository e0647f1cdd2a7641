"""Effects of a study made of formulas: what is matched, what cancels, and what is no test."""

from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.effects.claims import Claim, Side
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.joules_spread import joules_spread
from energy_sweep.front.effects.judging import Judge
from energy_sweep.front.effects.linearity import linearity
from energy_sweep.front.effects.runs import Runs, runs_of
from energy_sweep.front.effects.study_effects import study_effects
from energy_sweep.record import BadInput, Mark, Objective, StudyRecord


@pytest.fixture(scope="module")
def priced() -> PricedStudy:
    return PricedStudy(toy_study.grid(), Objective(name="training"))


@pytest.fixture(scope="module")
def runs(priced: PricedStudy) -> Runs:
    return runs_of({"toy": priced})


def effects(runs: Runs, axis: str) -> dict[str, Effect]:
    return {one.figure: one for one in study_effects(runs, [axis])}


def test_an_axis_is_matched_on_all_others(runs: Runs) -> None:
    found = effects(runs, "batch")
    assert found["joules_per_epoch"].estimate == pytest.approx(0.5)
    assert (found["accuracy"].contrast.n, found["accuracy"].pairs) == (12, 12)
    # Prices have no lr in them, so that joules of 12 pairs are those of 4 that did other work.
    assert (found["joules"].contrast.n, found["joules"].pairs) == (4, 12)
    assert found["joules_per_image"].contrast.test == "same work"
    assert found["joules_per_image"].adjusted is None
    low, high = found["joules"].interval
    assert low < 0.5 < high and high < 0.6


def test_an_axis_of_one_value_is_refused(runs: Runs) -> None:
    with pytest.raises(BadInput, match=r"type one of its axes \(batch, lr, epochs"):
        study_effects(runs, ["optimizer"])


def test_joules_to_an_accuracy_are_those_of_the_cheapest_that_reaches_it(runs: Runs) -> None:
    found = [one for one in study_effects(runs, ["lr"], reaching=0.8) if "to_" in one.figure]
    assert {one.second for one in found} == {"0.01", "0.1"}
    assert all(one.estimate == pytest.approx(1.0) for one in found)


def test_the_spread_is_the_most_over_the_least_of_those_that_are_as_good(
    priced: PricedStudy,
) -> None:
    found = joules_spread(priced, 0.8)
    assert found is not None
    joules = [row.joules for row in priced.rows if row.accuracy >= 0.9]
    assert found.spread.ratio == pytest.approx(max(joules) / min(joules))
    assert found.spread.low <= found.spread.ratio <= found.spread.high <= found.at_most
    assert joules_spread(priced, 0.9999) is None


def epochs(*joules: float) -> StudyRecord:
    marks = [(1.0, one, 0.0) for one in joules]
    stages = [toy_study.stage("trunk", f"t{i}", f"c{i}", *marks) for i in range(3)]
    return toy_study.study([], stages)


@pytest.mark.parametrize(("joules", "change"), [((2.0,) * 6, 0.0), ((1, 2, 3, 4, 5), 4 / 3)])
def test_linearity_is_fitted_on_single_epochs(joules: tuple[float, ...], change: float) -> None:
    found = linearity(epochs(*joules).stages.values())
    assert found is not None
    assert (found.trainings, found.epochs) == (3, 3 * len(joules))
    assert found.change == pytest.approx(change)
    assert (found.r_squared == pytest.approx(1.0)) == (change == 0)
    assert linearity(epochs(1.0, 2.0).stages.values()) is None


def claim(**changes: object) -> Claim:
    base = Claim(
        key="a",
        says="twice the batch takes half of the joules an epoch",
        figure="joules_per_epoch",
        expect="lower",
        axis="batch",
        first=Side(where={"batch": 32}),
        second=Side(where={"batch": 64}),
    )
    return dataclasses.replace(base, **changes)  # pyright: ignore[reportArgumentType]


SPREAD = {"figure": "joules_spread", "expect": "ratio", "first": Side()}


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, "supported"),
        ({"expect": "higher"}, "contradicted"),
        ({"expect": "ratio", "low": 0.4, "high": 0.6}, "supported"),
        ({"expect": "ratio", "low": 0.8, "high": None}, "contradicted"),
        ({"expect": "equal", "margin": 0.1}, "contradicted"),
        ({"expect": "non_inferior", "margin": 0.1}, "supported"),
        ({"n": 100}, "not decided here"),
        ({"figure": "joules_per_image"}, "not decided here"),
        ({"second": Side(where={"batch": 128})}, "not decided here"),
        ({"figure": "joules", "expect": "best", "best": 64, "first": Side()}, "supported"),
        ({"figure": "joules", "expect": "best", "best": 32, "first": Side()}, "contradicted"),
        ({"first": Side(sweep="other")}, "not decided here"),
        ({"first": Side(where={"batch": [16, "32"]})}, "supported"),
        ({**SPREAD, "low": 1.5, "high": 2.5}, "supported"),
        ({**SPREAD, "low": 5.0}, "contradicted"),
    ],
)
def test_a_claim_is_held_to_what_was_measured(
    priced: PricedStudy, changes: dict[str, object], answer: str
) -> None:
    verdict = Judge({"toy": priced}).verdicts([claim(**changes)])[0]
    assert verdict.answer == answer
    assert verdict.document["claim"] == "a"
    if answer == "not decided here":
        assert verdict.why and verdict.decides


def test_a_step_and_a_whole_training_stand_side_by_side_where_they_differ(
    priced: PricedStudy,
) -> None:
    longer = {"axis": "epochs", "first": Side(where={"epochs": 10})}
    longer["second"] = Side(where={"epochs": 20})
    alike, apart = Judge({"toy": priced}).verdicts([claim(), claim(key="b", **longer)])
    assert alike.beside is None
    assert apart.effect is not None and apart.beside is not None
    assert (apart.beside.figure, apart.document["beside"]["figure"]) == ("joules", "joules")
    assert apart.beside.estimate > 1.5 > apart.effect.estimate


def test_controls_are_a_family_of_their_own(priced: PricedStudy) -> None:
    lone = Judge({"toy": priced}).verdicts([claim(figure="accuracy")])[0]
    beside = [claim(key=f"{i}", figure="accuracy", control=True) for i in range(5)]
    found = Judge({"toy": priced}).verdicts([claim(figure="accuracy"), *beside])
    assert lone.effect and found[0].effect and found[1].effect
    assert found[0].effect.adjusted == lone.effect.adjusted == lone.effect.contrast.p_value
    assert found[1].effect.adjusted == pytest.approx(min(1.0, 5 * lone.effect.contrast.p_value))


def test_two_sweeps_of_the_same_work_are_measured_apart(priced: PricedStudy) -> None:
    twice = Judge({"a": priced, "b": PricedStudy(dearer(priced.study), priced.objective)})
    sides = {"first": Side(sweep="a"), "second": Side(sweep="b"), "axis": None}
    verdict = twice.verdicts([claim(**sides, expect="equal", margin=0.5)])[0]
    assert verdict.effect is not None
    assert verdict.effect.estimate == pytest.approx(1.1)
    assert verdict.answer == "supported"


def dearer(study: StudyRecord) -> StudyRecord:
    """The same study, all of whose readings are a tenth more."""

    def more(mark: Mark) -> Mark:
        parts = tuple(
            dataclasses.replace(one, joules=1.1 * one.joules) for one in mark.reading.domains
        )
        return dataclasses.replace(mark, reading=dataclasses.replace(mark.reading, domains=parts))

    stages = {
        key: dataclasses.replace(record, marks=tuple(map(more, record.marks)))
        for key, record in study.stages.items()
    }
    return dataclasses.replace(study, stages=stages)

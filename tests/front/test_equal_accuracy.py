"""What a bad choice costs among equally accurate nets, and groups of runs that do not match."""

from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.effects.attained import attained_front
from energy_sweep.front.effects.claims import Claim, Side
from energy_sweep.front.effects.estimating import unpaired_effect
from energy_sweep.front.effects.joules_spread import JoulesSpread, joules_spread
from energy_sweep.front.effects.judging import Judge
from energy_sweep.front.effects.runs import runs_of
from energy_sweep.record import Objective, TrialRecord


def test_of_equally_good_nets_those_a_point_worse_are_left_out() -> None:
    def of(spread: JoulesSpread | None) -> tuple[int, int, int]:
        assert spread is not None
        return spread.surely, spread.least, spread.most

    def seeds(first: int, trunk: str, epochs: int, *correct: int) -> list[TrialRecord]:
        return [
            toy_study.trial(
                first + seed,
                [("trunk", f"{trunk} {seed}", trunk, epochs)],
                correct=right,
                seed=seed,
                epochs=epochs,
            )
            for seed, right in enumerate(correct)
        ]

    # 1 J an epoch; of 359 images a point is 3.59.
    trials = [
        *seeds(0, "a", 10, 340, 341, 340, 339, 340),
        *seeds(5, "a", 40, 341, 342, 341, 341, 342),
        *seeds(10, "a", 4, 339, 340, 340, 339, 340),
        *seeds(15, "a", 1, 330, 332, 331, 329, 330),
        *seeds(20, "a", 99, 330, 332, 331, 329, 330),
    ]
    stages = [toy_study.stage("trunk", f"a {n}", "a", (1.0, 1.0, 0.02)) for n in range(5)]
    study = PricedStudy(toy_study.study(trials, stages), Objective(name="training"))
    found = joules_spread(study, reference=2)
    assert of(found) == (3, 10, 5)
    assert found is not None and found.beside is not None and found.beside.n == 5
    assert found.spread.ratio == pytest.approx(10) and found.reference == 0
    assert found.reference_over_least is not None
    assert found.reference_over_least.ratio == pytest.approx(2.5)
    attained = attained_front(runs_of({"toy": study}))
    assert attained is not None and (attained.seeds, attained.configurations) == (5, 5)
    assert [one.joules for one in attained.steps] == pytest.approx([1, 4, 40])
    assert [round(359 * one.by_half) for one in attained.steps] == [330, 340, 341]
    assert all((one.by_all or 0) < one.by_half <= one.by_any for one in attained.steps[:1])
    assert of(joules_spread(study, reference=2, margin=0.05)) == (5, 15, 20)
    default = Claim(
        key="a",
        says="the worst takes 5 times the joules",
        figure="joules_spread",
        expect="ratio",
        first=Side(where={"epochs": 10}),
        low=5.0,
        n=5,
    )
    for changes, answer in (
        ({}, "supported"),
        ({"low": 30.0}, "contradicted"),
        ({"n": 6}, "not decided here"),
        ({"first": Side(where={"epochs": 11})}, "not decided here"),
    ):
        asked = dataclasses.replace(default, **changes)  # pyright: ignore[reportArgumentType]
        verdict = Judge({"toy": study}).verdicts([asked])[0]
        assert verdict.answer == answer, verdict.why


@pytest.mark.parametrize("contended", [None, True])
def test_groups_that_do_not_match_know_of_images_and_of_other_programs(
    contended: bool | None,
) -> None:
    trials = [
        toy_study.trial(n, [("trunk", f"t{n}", f"c{n}", 5)], correct=330 + n, seed=n, batch=n // 3)
        for n in range(6)
    ]
    stages = [
        toy_study.stage("trunk", f"t{n}", f"c{n}", (1.0, 1.0 + n / 9, 0.02), contended=contended)
        for n in range(6)
    ]
    priced = PricedStudy(toy_study.study(trials, stages), Objective(name="training"))
    runs = runs_of({"toy": priced})
    sides = runs.at({"batch": 0}), runs.at({"batch": 1})
    found = unpaired_effect(runs, *sides, "accuracy", names=("batch", "0", "1"))
    share = (331 / toy_study.IMAGES, 334 / toy_study.IMAGES)
    assert found is not None
    assert found.meter_error**2 == pytest.approx(sum(p * (1 - p) for p in share) / toy_study.IMAGES)
    low, high = found.interval
    assert high - low > 2 * 1.96 * found.meter_error
    joules = unpaired_effect(runs, *sides, "joules", names=("batch", "0", "1"))
    assert joules is not None and joules.contended == bool(contended)

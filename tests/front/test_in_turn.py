"""Weights of one graph, whose price is one: compared by windows that were taken in turn."""

from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.effects.claims import Claim
from energy_sweep.front.effects.judging import Judge
from energy_sweep.record import Objective, StageRecord
from energy_sweep.record.missing import control_key


def graph(name: str, *joules: float, contended: bool | None = None) -> list[StageRecord]:
    """A graph, and the windows of its first and of other weights, in turn."""
    controls = [[which, "zeros", "0"] for which in ("first", "second")]
    found = toy_study.stage("infer", name, name, (10, 1.0, 0.01))
    return [
        dataclasses.replace(found, facts={"controls": [*controls, ["reference", "zeros"]]}),
        *(
            toy_study.stage(
                "calibrate",
                control_key(name, labels),
                name,
                *((10, share * one, 0.0) for share in (0.9, 1.0, 5.0)),
                contended=contended,
            )
            for labels, one in zip(controls, joules, strict=True)
        ),
    ]


@pytest.mark.parametrize(
    ("ratios", "contended", "answer"),
    [
        ((1.01, 0.99, 1.02, 1.0), None, "supported"),
        ((0.51, 0.49, 0.5, 0.52), None, "contradicted"),
        ((1.01, 0.99, 1.02, 1.0), True, "not decided here"),
        ((1.0,), None, "not decided here"),
    ],
)
def test_other_weights_of_a_graph_are_compared_by_windows_in_turn(
    ratios: tuple[float, ...], contended: bool | None, answer: str
) -> None:
    stages = [
        record
        for place, ratio in enumerate(ratios)
        for record in graph(f"g{place}", 1.0 + place, ratio * (1.0 + place), contended=contended)
    ]
    trials = [
        toy_study.trial(place, [("infer", f"g{place}", f"g{place}", 1)], batch=place)
        for place in range(len(ratios))
    ]
    priced = PricedStudy(toy_study.study(trials, stages), Objective(name="inference"))
    zeros = Claim(
        key="zeros",
        says="zeros save nothing",
        figure="joules_in_turn",
        expect="equal",
        margin=0.1,
    )
    verdict = Judge({"zeros": priced}).verdicts([zeros])[0]
    assert verdict.answer == answer, verdict.why
    if verdict.effect is not None:
        assert verdict.effect.estimate == pytest.approx(sum(ratios) / len(ratios), rel=1e-3)

"""Fronts of several studies together: who stays, how much each dominates, and what compares."""

from __future__ import annotations

import dataclasses
import itertools
import math
from statistics import NormalDist
from typing import Any

import pytest
import toy_study
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front import PricedStudy
from energy_sweep.front.comparable import accuracies_apart, joules_apart
from energy_sweep.front.joint_front import JointFront
from energy_sweep.record import Objective, Quality, StudyRecord
from energy_sweep.report.studies_table import studies_table

TRAINING = Objective(name="training")
Nets = list[tuple[int, float]]


def record(*nets: tuple[int, float], spread: float = 0.5, drift: float = 0.0) -> StudyRecord:
    """Nets by their right answers, and the joules of their training."""
    return toy_study.trainings(*nets, spread=spread, repeatability=drift)


def joint(**studies: StudyRecord) -> JointFront:
    return JointFront({name: PricedStudy(one, TRAINING) for name, one in studies.items()})


nets = st.lists(st.tuples(st.integers(0, 359), st.integers(1, 60)), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(one=nets, other=nets)
def test_who_stays_is_on_the_front_of_all_and_areas_are_counted_alike(
    one: Nets, other: Nets
) -> None:
    found = joint(one=record(*one), other=record(*other))
    points = [(right / toy_study.IMAGES, joules) for right, joules in (*one, *other)]
    for member in found.members:
        mine = (member.row.accuracy, member.row.joules)
        beaten = any(
            a >= mine[0] - 1e-12
            and j <= mine[1] + 1e-9
            and (a > mine[0] + 1e-9 or j < mine[1] - 1e-9)
            for a, j in points
        )
        assert member.on_front == (not beaten)
        assert member.survives is not None and 0 <= member.survives <= 1
    reference = found.reference
    assert reference is not None
    worst = min(member.row.accuracy for member in found.members)
    assert reference.accuracy == pytest.approx(max(0.0, worst - 0.01))
    areas = [area(points_of(found, name), reference) for name in ("one", "other")]
    assert [found.hypervolume(name) for name in ("one", "other")] == pytest.approx(areas)
    together = found.hypervolume()
    assert together is not None
    assert max(areas) - 1e-12 <= together <= sum(areas) + 1e-12


def points_of(found: JointFront, name: str) -> Nets:
    return [(one.row.accuracy, one.row.joules) for one in found.members if one.study == name]


def area(points: Any, reference: tuple[float, float]) -> float:
    """The union of rectangles, by inclusion and exclusion."""
    sides = [(a - reference[0], math.log10(reference[1] / j)) for a, j in points]
    total = 0.0
    for size in range(1, len(sides) + 1):
        for some in itertools.combinations(sides, size):
            total -= (-1) ** size * min(a for a, _ in some) * min(j for _, j in some)
    return total


def test_a_factor_common_to_all_joules_of_a_run_makes_it_unsure_who_stays() -> None:
    one, other = record((340, 100.0)), record((340, 104.0))
    sharp = {m.study: m.survives for m in joint(one=one, other=other).members}
    drifting = joint(
        one=record((340, 100.0), drift=0.2), other=record((340, 104.0), drift=0.2)
    ).members
    loose = {m.study: m.survives for m in drifting}
    assert sharp["other"] is not None and loose["other"] is not None
    assert loose["other"] > sharp["other"]
    assert joint(one=one, other=other).members == joint(one=one, other=other).members


def test_what_two_studies_have_in_common_tells_how_far_runs_differ() -> None:
    one, other = record((340, 100.0), (330, 50.0), (300, 20.0)), record((340, 110.0), (330, 60.0))
    [found] = joint(one=one, other=other).in_common
    assert (found.first, found.second, found.configurations) == ("one", "other", 2)
    assert (found.ratio, found.least, found.most) == pytest.approx((1.15, 1.1, 1.2))
    said = studies_table(joint(one=one, other=other))
    assert "have 2 configurations in common, which cost 1.15 times as much in other" in said
    assert "by so much two runs differ" in said
    machines = dataclasses.replace(joint(one=one, other=other), is_one_machine=False)
    assert "by so much two runs differ" not in studies_table(machines)
    apart = dataclasses.replace(
        other, trials=tuple(dataclasses.replace(trial, result=None) for trial in other.trials)
    )
    assert joint(one=one, other=apart).in_common == ()


def timed(one: StudyRecord) -> StudyRecord:
    """The same with windows that have a time, so that the drift of the machine is taken out."""
    stages = {
        key: dataclasses.replace(
            stage,
            marks=tuple(
                dataclasses.replace(
                    mark, reading=dataclasses.replace(mark.reading, started=1.7e9 + 10 * place)
                )
                for mark in stage.marks
            ),
        )
        for place, (key, stage) in enumerate(one.stages.items())
    }
    return dataclasses.replace(one, stages=stages)


@pytest.mark.parametrize("has_times", [False, True])
@pytest.mark.parametrize("drift", [0.05, 0.2, 0.6])
def test_a_net_that_is_surely_worse_stays_as_likely_as_it_costs_less(
    drift: float, has_times: bool
) -> None:
    """Two runs whose joules differ by less than the drift 19 times of 20, of one price each."""
    better = record((340, 100.0), spread=1e-6, drift=drift)
    worse = record((200, 104.0), spread=1e-6, drift=drift)
    found = joint(better=better, worse=worse)
    if has_times:
        found = joint(better=timed(better), worse=timed(worse))
        assert found.studies["better"].prices.trend is not None
    chances = {member.study: member.survives for member in found.members}
    apart = NormalDist(0, drift / NormalDist().inv_cdf(0.975))
    assert chances["worse"] == pytest.approx(apart.cdf(math.log(100 / 104)), abs=0.05)
    assert chances["better"] == 1.0


def test_across_machines_no_probability_is_claimed() -> None:
    found = dataclasses.replace(
        joint(a=record((340, 9.0)), b=record((341, 8.0))), is_one_machine=False
    )
    assert [member.survives for member in found.members] == [None, None]


def test_a_study_without_a_front_is_told_beside_one_that_has_one() -> None:
    found = joint(a=record((340, 9.0)), b=toy_study.study([], []))
    assert (found.survivors("a"), found.survivors("b")) == ((0,), ())
    assert found.hypervolume("b") == 0.0
    assert "none" in studies_table(found, width=80)
    nothing = joint(a=toy_study.study([], []), b=toy_study.study([], []))
    assert nothing.reference is nothing.hypervolume() is None
    assert "-" in studies_table(nothing, width=80)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "machine": ({"machine": {"device_class": "Other"}}, {}, "other machines (a: Toy CPU"),
    "quality": ({}, {"quality": Quality.COUNTER}, "other quality (a: estimated; b: counter)"),
    "domains": ({}, {"domains": ("cpu", "gpu:0")}, "other domains (a: cpu; b: cpu, gpu:0)"),
    "watts": ({}, {"coefficients": {"cpu_watts_per_core": 6.0}}, "by other watts"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_joules_of_other_machines_and_meters_do_not_compare(what: str) -> None:
    facts, meter, words = CHANGES[what]
    one = record((340, 9.0))
    other = dataclasses.replace(one, meter=dataclasses.replace(one.meter, **meter), **facts)
    assert words in joules_apart({"a": one, "b": other})
    assert joules_apart({"a": one, "b": one}) == ""


def test_accuracies_on_other_images_do_not_compare() -> None:
    digits = dataclasses.replace(record((340, 9.0)), identity={"dataset": "digits", "split": "s"})
    resplit = dataclasses.replace(digits, identity={"dataset": "digits", "split": "t"})
    unknown = dataclasses.replace(digits, identity={})
    assert accuracies_apart({"a": digits, "b": digits}) == ""
    assert "other splits (a: s; b: t)" in accuracies_apart({"a": digits, "b": resplit})
    assert "other data sets (a: digits; b: not known)" in accuracies_apart(
        {"a": digits, "b": unknown}
    )

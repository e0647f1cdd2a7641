"""The choice against brute force over random fronts, and what it says of the next best each way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import pytest
import toy_study
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front import PricedStudy, Row, choose
from energy_sweep.record import BadInput, NothingFits, Objective, StudyRecord

TRAINING = Objective(name="training")
FIGURES = {
    "max_joules": "joules",
    "max_joules_per_image": "joules_per_image",
    "max_bytes": "file_bytes",
    "max_latency": "latency_seconds",
}


def row(trial: int, accuracy: float, joules: float, **more: Any) -> Row:
    known: dict[str, Any] = {"joules_per_image": None, "uncertainty_joules": 0.0, **more}
    known.setdefault("noise_joules", known["uncertainty_joules"])
    return Row(
        trial=trial,
        config={},
        params={"lr": trial},
        accuracy=accuracy,
        accuracy_low=max(0.0, accuracy - 0.02),
        accuracy_high=min(1.0, accuracy + 0.02),
        n_validation=359,
        joules=joules,
        net_joules=None,
        seeds=(0,),
        n=1,
        rivals=(),
        beaten_by=(),
        contended=(),
        stages={},
        peak_memory_bytes=None,
        **known,
    )


@st.composite
def fronts(draw: st.DrawFn) -> list[Row]:
    points = st.tuples(
        st.integers(0, 20),
        st.integers(1, 30),
        st.none() | st.integers(1, 9),
        st.none() | st.integers(1, 9),
        st.none() | st.integers(1, 9),
    )
    found = draw(st.lists(points, min_size=1, max_size=14))
    return [
        row(n, a / 20, float(j), joules_per_image=i, file_bytes=b, latency_seconds=s)
        for n, (a, j, i, b, s) in enumerate(found)
    ]


limits = st.fixed_dictionaries(
    {},
    optional={
        "min_accuracy": st.integers(0, 20).map(lambda n: n / 20),
        "max_joules": st.integers(1, 30),
        "max_joules_per_image": st.integers(1, 9),
        "max_bytes": st.integers(1, 9),
        "max_latency": st.integers(1, 9),
    },
)
weighings = st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any)
rules = st.sampled_from(["default", "cheapest", "most_accurate", "knee", "efficiency", "weights"])


def keeps(one: Row, asked: dict[str, float]) -> bool:
    if one.accuracy < asked.get("min_accuracy", 0.0):
        return False
    for name, figure in FIGURES.items():
        value = getattr(one, figure)
        if name in asked and (value is None or value > asked[name]):
            return False
    return True


def beats(one: Row, other: Row) -> bool:
    point, than = (one.accuracy, -one.joules), (other.accuracy, -other.joules)
    return point != than and point[0] >= than[0] and point[1] >= than[1]


def worth(rule: str, one: Row, fits: Sequence[Row], weights: tuple[int, int]) -> tuple[float, ...]:
    """What a rule wants as much of as there is, by its words in docs/choosing.md alone."""
    front = [a for a in fits if not any(beats(b, a) for b in fits)]
    accuracies = [a.accuracy for a in front]
    costs = [math.log(a.joules) for a in front]
    up = (one.accuracy - min(accuracies)) / ((max(accuracies) - min(accuracies)) or math.inf)
    down = (math.log(one.joules) - min(costs)) / ((max(costs) - min(costs)) or math.inf)
    return {
        "cheapest": (-one.joules, one.accuracy),
        "most_accurate": (one.accuracy, -one.joules),
        "efficiency": (one.accuracy / one.joules,),
        "weights": (weights[0] * up - weights[1] * down,),
        "knee": (up - down,),
    }[rule]


def best(rule: str, fits: Sequence[Row], weights: tuple[int, int]) -> tuple[float, ...]:
    """The most of it that any configuration has."""
    front = [a for a in fits if not any(beats(b, a) for b in fits)]
    if rule == "knee" and len(front) < 3:  # there is no bend
        top = max(front, key=lambda a: a.accuracy)
        level = [a for a in front if a.accuracy_high >= top.accuracy_low]
        return worth(rule, min(level, key=lambda a: a.joules), fits, weights)
    return max(worth(rule, one, fits, weights) for one in front)


@settings(max_examples=500, deadline=None)
@given(found=fronts(), asked=limits, rule=rules, weights=weighings)
def test_a_choice_is_that_of_brute_force(
    found: list[Row], asked: dict[str, float], rule: str, weights: tuple[int, int]
) -> None:
    fits = [one for one in found if keeps(one, asked)]
    typed: dict[str, Any] = {"constraints": asked}
    if rule == "weights":
        typed["weights"] = dict(zip(("accuracy", "joules"), weights, strict=True))
    elif rule != "default":
        typed["rule"] = rule
    else:
        bare = "most_accurate" if "max_joules" in asked else "knee"
        rule = "cheapest" if "min_accuracy" in asked else bare
    if rule == "efficiency" and "min_accuracy" not in asked:
        with pytest.raises(BadInput, match="type --floor"):
            choose(found, **typed)
    elif not fits:
        with pytest.raises(NothingFits, match="the nearest is trial"):
            choose(found, **typed)
    else:
        choice = choose(found, **typed)
        assert choice.rule == rule
        assert choice.row in fits
        assert not any(beats(one, choice.row) for one in fits)
        assert worth(rule, choice.row, fits, weights) == pytest.approx(
            best(rule, fits, weights), abs=1e-12
        )


def study(*nets: tuple[int, float], spread: float = 1.0) -> PricedStudy:
    """Nets by their right answers, and the joules of their training."""
    return PricedStudy(toy_study.trainings(*nets, spread=spread), TRAINING)


@settings(max_examples=15, deadline=None)
@given(
    nets=st.lists(st.tuples(st.integers(250, 358), st.integers(50, 400)), min_size=1, max_size=6),
    floor=st.integers(260, 350),
    ceiling=st.integers(60, 400),
    sure=st.sampled_from([0.5, 0.8, 0.95]),
)
def test_sure_takes_the_cheapest_of_what_keeps_both_limits_as_surely(
    nets: list[tuple[int, float]], floor: int, ceiling: int, sure: float
) -> None:
    priced = study(*nets, spread=8.0)
    asked = {"min_accuracy": floor / toy_study.IMAGES, "max_joules": float(ceiling)}
    fits = list[Row]()
    for place, one in enumerate(priced.rows):
        drawn = priced.beliefs.accuracies[:, place]
        kept = float((drawn >= asked["min_accuracy"]).mean())
        again = NormalDist(one.joules, one.uncertainty_joules / 1.959964)
        if keeps(one, asked) and kept * again.cdf(ceiling) >= sure:
            fits.append(one)
    if fits:
        expected = min(fits, key=lambda one: (one.joules, -one.accuracy, one.trial))
        assert choose(priced, **asked, sure=sure).row == expected
    else:
        with pytest.raises(NothingFits, match="as surely as"):
            choose(priced, **asked, sure=sure)


def test_the_next_best_each_way_is_told_with_what_it_costs() -> None:
    priced = study((300, 100.0), (340, 120.0), (345, 300.0), (310, 200.0))
    choice = choose(priced, rule="knee")
    assert choice.row.trial == 1 and choice.next_bests is not None
    down, up = choice.next_bests
    assert down is not None and up is not None
    assert (down.row.trial, up.row.trial) == (0, 2)
    assert down.joules.change == pytest.approx(-20.0)
    assert down.joules.low == pytest.approx(-20 - math.hypot(1, 1))
    assert down.joules.high == pytest.approx(-20 + math.hypot(1, 1))
    off, middle = math.hypot(1 / 100, 1 / 120), math.log(100 / 120)
    assert down.joules.share == pytest.approx(-1 / 6)
    assert down.joules.share_low == pytest.approx(math.expm1(middle - off))
    assert down.joules.share_high == pytest.approx(math.expm1(middle + off))
    assert down.accuracy.change == pytest.approx(-40 / toy_study.IMAGES)
    assert "trial 0 saves 20 J [18" in down.text and "(17 %) and loses 11 points" in down.text
    assert down.text.endswith("both are sure")
    assert "costs 180 J" in up.text and "(150 %) more and gains 1.4 points" in up.text
    assert "the joules surely differ, the accuracies not surely (p = " in up.text


def test_at_the_ends_of_a_front_there_is_nothing_beyond() -> None:
    priced = study((340, 120.0))
    choice = choose(priced)
    assert choice.next_bests == (None, None)
    limited = choose(study((300, 100.0), (340, 120.0)), min_accuracy=0.9).next_bests
    assert limited is not None and limited.cheaper is not None
    assert limited.cheaper.breaks == "it breaks accuracy of at least 0.9"


def shared(contended: bool | None = None) -> PricedStudy:
    """A net, and the same recovered for 1 J more: the trunk of both is known to half of it."""
    trunk = ("trunk", "t", "epoch", 10.0)
    trials = [
        toy_study.trial(0, [trunk], correct=340, level=0),
        toy_study.trial(1, [trunk, ("recover", "r", "again", 3.0)], correct=341, level=1),
    ]
    stages = [
        toy_study.stage("trunk", "t", "epoch", (10, 100.0, 50.0)),
        toy_study.stage("recover", "r", "again", (3, 1.0, 0.1), contended=contended),
    ]
    return PricedStudy(toy_study.study(trials, stages), TRAINING)


def test_shared_work_cancels_in_what_the_next_best_costs() -> None:
    nexts = choose(shared(), rule="cheapest").next_bests
    assert nexts is not None and nexts.more_accurate is not None
    joules = nexts.more_accurate.joules
    assert (joules.change, joules.low, joules.high) == pytest.approx((1.0, 0.9, 1.1))
    assert joules.is_sure


def test_what_contended_joules_decide_is_not_known() -> None:
    nexts = choose(shared(contended=True), rule="cheapest").next_bests
    assert nexts is not None and nexts.more_accurate is not None
    assert nexts.more_accurate.joules.is_sure is None
    assert "is not known" in nexts.more_accurate.text
    assert nexts.more_accurate.document["joules_sure"] is None


def test_a_trial_that_is_named_is_taken_where_it_keeps_what_was_typed() -> None:
    priced = study((300, 100.0), (340, 120.0), (310, 200.0))
    choice = choose(priced, trial=2, min_accuracy=0.8)
    assert (choice.row.trial, choice.rule) == (2, "trial")
    assert "trial 2, as named with accuracy of at least 0.8" in choice.why
    assert "sure to keep that accuracy" in choice.why and "sure to belong" in choice.why
    assert choice.next_bests is not None and choice.next_bests.cheaper is not None
    assert choice.next_bests.cheaper.row.trial == 1  # cheaper, and more accurate too
    with pytest.raises(NothingFits, match=r"^trial 2 .*: it breaks accuracy of at least 0\.9$"):
        choose(priced, trial=2, min_accuracy=0.9)
    with pytest.raises(NothingFits, match=r"keeps with \d+ % what was asked for"):
        choose(priced, trial=2, min_accuracy=0.86, sure=0.99)
    with pytest.raises(BadInput, match="trial 7 is none of those"):
        choose(priced, trial=7)


def test_a_named_trial_is_told_the_limits_of_its_study_and_not_refused_for_them() -> None:
    from dataclasses import replace

    record: StudyRecord = study((300, 100.0), (340, 120.0)).study
    priced = PricedStudy(replace(record, constraints={"min_accuracy": 0.9}), TRAINING)
    assert choose(priced, rule="cheapest").row.trial == 1
    named = choose(priced, trial=0)
    assert "it breaks accuracy of at least 0.9, which the study asks for" in named.why


def test_seeds_of_a_configuration_are_named_by_any_of_them() -> None:
    use = [("trunk", "t", "c", 1.0)]
    trials = [toy_study.trial(n, use, correct=340, seed=n, lr=1) for n in range(2)]
    priced = PricedStudy(
        toy_study.study(trials, [toy_study.stage("trunk", "t", "c", (1.0, 9.0, 0.1))]), TRAINING
    )
    choice = choose(priced, trial=1)
    assert choice.row.trial == 0
    assert choice.why.startswith("trial 1, a seed of the configuration of trial 0, as named")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"rule": "knee", "trial": 1}, "knee and trial are rules"),
    ({"rule": "cheapest", "weights": {"accuracy": 1}}, "cheapest and weights are rules"),
    ({"weights": {"accuracy": 1}, "trial": 0}, "weights and trial are rules"),
    ({"rule": "efficiency"}, "learnt little for next to nothing"),
    ({"weights": {"bytes": 1}}, "weights of bytes: type weights of accuracy and joules"),
    ({"weights": {"joules": -1}}, "weights of joules=-1: type a number of at least 0"),
    ({"weights": {"joules": math.nan}}, "type a number of at least 0"),
    ({"weights": {"accuracy": 0, "joules": 0}}, "no weight is above 0"),
    ({"weights": {}}, "no weight is above 0"),
    ({"rule": "fastest"}, "type one of cheapest, knee, most_accurate, efficiency"),
]


def test_how_near_the_nearest_comes_is_told() -> None:
    found = [row(1, 0.9, 2.0, file_bytes=2000), row(2, 0.9, 1.0, file_bytes=3000)]
    with pytest.raises(NothingFits, match=r"the nearest is trial 1 .*, 2,000 bytes$"):
        choose(found, constraints={"max_bytes": 1000})


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_rules_that_contradict_each_other_are_one_line(place: int) -> None:
    asked, line = REFUSED[place]
    with pytest.raises(BadInput, match=line) as refused:
        choose([row(0, 0.5, 1.0), row(1, 0.9, 2.0)], **asked)
    assert "\n" not in str(refused.value)


def test_a_rule_is_as_sure_as_its_draws() -> None:
    priced = study((300, 100.0), (340, 130.0), (345, 300.0))
    for asked in ({"rule": "efficiency", "min_accuracy": 0.5}, {"weights": {"joules": 2.0}}):
        sureness = choose(priced, **asked).sureness
        assert sureness is not None and sureness.beats_runner_up is not None
        assert 0.5 < sureness.beats_runner_up <= 1
    assert choose(priced, weights={"accuracy": 1.0, "joules": 0.0}).row.trial == 2
    assert choose(priced, weights={"accuracy": 0.0, "joules": 3.0}).row.trial == 0

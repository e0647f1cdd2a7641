"""Constraints: the same for a search, a front and a choice."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.front import PricedStudy, as_document, choose
from energy_sweep.front.constraints import EXAMPLES, Constraints
from energy_sweep.record import BadInput, NothingFits, Objective
from energy_sweep.report.tables import tables

NETS = ((340, 100.0), (330, 50.0), (300, 20.0), (200, 60.0))


@dataclass(frozen=True)
class Net:
    accuracy: float
    joules: float
    joules_per_image: float | None = 1e-5
    file_bytes: int | None = 1000
    latency_seconds: float | None = 0.001


def study(constraints: dict[str, Any]) -> PricedStudy:
    """Nets by the images (of 359) that they have right, and the joules of their training."""
    trials = [
        toy_study.trial(n, [("trunk", f"t{n}", f"c{n}", 1.0)], correct=right, lr=n)
        for n, (right, _) in enumerate(NETS)
    ]
    stages = [
        toy_study.stage("trunk", f"t{n}", f"c{n}", (1.0, joules, 0.1))
        for n, (_, joules) in enumerate(NETS)
    ]
    record = dataclasses.replace(toy_study.study(trials, stages), constraints=constraints)
    return PricedStudy(record, Objective(name="training"))


REFUSED = {
    "min_accuracy": (90, "search.constraints.min_accuracy=90: type a fraction, such as 0.95"),
    "max_joules": (0, "search.constraints.max_joules=0: type a number above 0, such as search."),
    "max_bytes": ("many", "search.constraints.max_bytes=many: type a number above 0"),
    "max_latency": (math.inf, "search.constraints.max_latency=inf: type a number above 0"),
    "max_watts": (3, "search.constraints.max_watts is no constraint: type one of min_accuracy, "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nothing_can_keep_is_refused_by_name(name: str) -> None:
    value, line = REFUSED[name]
    with pytest.raises(BadInput) as refusal:
        Constraints.of({name: value})
    assert str(refusal.value).startswith(line)


def test_each_limit_holds_the_figure_of_its_name() -> None:
    kept = Net(0.9, 50, 1e-4, 100_000, 0.002)
    assert Constraints.of(EXAMPLES).violations(kept) == pytest.approx(dict.fromkeys(EXAMPLES, 0))
    broken = {
        "min_accuracy": dataclasses.replace(kept, accuracy=0.45),
        "max_joules": dataclasses.replace(kept, joules=75),
        "max_joules_per_image": dataclasses.replace(kept, joules_per_image=1.5e-4),
        "max_bytes": dataclasses.replace(kept, file_bytes=150_000),
        "max_latency": dataclasses.replace(kept, latency_seconds=0.003),
    }
    for name, net in broken.items():
        over = Constraints.of(EXAMPLES).violations(net)
        assert {one for one, value in over.items() if value > 0} == {name}
        assert over[name] == pytest.approx(0.5)
        assert Constraints.of(EXAMPLES).broken(net).count("at ") == 1


def test_what_was_not_measured_is_outside() -> None:
    net = Net(0.9, 50, joules_per_image=None, file_bytes=None, latency_seconds=None)
    for name in ("max_joules_per_image", "max_bytes", "max_latency"):
        assert not Constraints.of({name: 1e9}).keeps(net)
    assert Constraints.of({"min_accuracy": 0.0}).keeps(Net(0.0, 1.0))


limits = st.builds(
    Constraints,
    min_accuracy=st.none() | st.floats(0, 1),
    max_joules=st.none() | st.floats(1, 100),
    max_bytes=st.none() | st.integers(1, 2000),
)
nets = st.builds(Net, st.floats(0, 1), st.floats(0, 100))


@given(one=limits, other=limits, net=nets)
def test_both_hold_where_each_does(one: Constraints, other: Constraints, net: Net) -> None:
    both = one.with_those_of(other)
    assert both == other.with_those_of(one)
    assert both.keeps(net) == (one.keeps(net) and other.keeps(net))
    assert bool(one) == bool(one.text) == bool(one.document)
    assert one.keeps(net) == (not one.broken(net))


def test_a_front_is_that_of_what_keeps_them() -> None:
    priced = study({"min_accuracy": 0.85, "max_joules": 80})
    assert [row.trial for row in priced.front] == [1]
    assert [row.trial for row in priced.excluded] == [0, 2, 3]
    assert [row.trial for row in priced.unconstrained.front] == [2, 1, 0]
    assert priced.unconstrained.excluded == ()
    told = tables(priced)
    assert "accuracy of at least 0.85 and at most 80 J: 1 of 4 configurations have that" in told
    document = as_document(priced)
    assert document["constraints"] == {"min_accuracy": 0.85, "max_joules": 80}
    assert [row["trial"] for row in document["excluded"]] == [0, 2, 3]


@pytest.mark.parametrize("given", [{}, {"max_joules": 70}, {"min_accuracy": 0.9}])
def test_a_front_is_the_old_one_of_a_study_without_the_others(given: dict[str, Any]) -> None:
    priced, plain = study(given), study({})
    kept = {row.trial for row in plain.rows if Constraints.of(given).keeps(row)}
    record = priced.study
    trials = tuple(trial for trial in record.trials if trial.number in kept)
    alone = PricedStudy(dataclasses.replace(record, trials=trials, constraints={}), plain.objective)
    assert [row.trial for row in priced.front] == [row.trial for row in alone.front]
    assert [row.belongs for row in priced.rows] == [row.belongs for row in alone.rows]


def test_a_choice_keeps_those_of_the_study_and_those_typed() -> None:
    priced = study({"max_joules": 70})
    assert choose(priced, rule="most_accurate").row.trial == 1
    assert choose(priced.unconstrained, rule="most_accurate").row.trial == 0
    assert choose(priced, max_joules=30).row.trial == 2
    with pytest.raises(
        NothingFits, match=r"at least 0\.94 and at most 70 J; the nearest is trial 1"
    ):
        choose(priced, min_accuracy=0.94)
    with pytest.raises(NothingFits, match="at most 10 bytes; the nearest is"):
        choose(priced, constraints={"max_bytes": 10})


def test_where_nothing_keeps_them_all_faces_say_so() -> None:
    priced = study({"min_accuracy": 0.99})
    assert priced.front == ()
    assert "there is no front, since none of 4 configurations has that" in tables(priced)
    with pytest.raises(
        NothingFits, match=r"has accuracy of at least 0\.99; the nearest is trial 0"
    ):
        choose(priced)

from __future__ import annotations

import dataclasses
import itertools
import math
import random

import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.front.bill import BillLine, bill
from energy_sweep.front.pools import Pool
from energy_sweep.front.prices import Prices, demand
from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Objective,
    Quality,
    StageRecord,
)

KEYS = ("trunk", "recover", "infer")
PRICES = Prices(
    [
        toy_study.stage("trunk", "a", "trunk", (10, 20.0, 1.0), (10, 22.0, 1.0)),
        toy_study.stage("recover", "b", "recover", (3, 1.5, 0.2)),
        toy_study.stage("infer", "c", "infer", (1000, 5.0, 0.5)),
    ],
    repeatability=lambda _: 0.03,
)
DEMANDS = st.dictionaries(st.sampled_from(KEYS), st.floats(0, 1e6), max_size=3)


def added(*demands: dict[str, float]) -> dict[str, float]:
    return {key: math.fsum(one.get(key, 0.0) for one in demands) for key in KEYS}


@given(DEMANDS, DEMANDS)
def test_joules_are_linear_in_the_demand(first: dict[str, float], second: dict[str, float]) -> None:
    together = PRICES.joules(added(first, second))[0]
    assert together == pytest.approx(PRICES.joules(first)[0] + PRICES.joules(second)[0])


def test_a_pool_is_the_mean_over_all_work_of_its_kind() -> None:
    pool = PRICES.pool("trunk")
    assert pool is not None
    assert pool.joules_per_unit == pytest.approx(42 / 20)
    own = math.hypot(1.0, 1.0) / 20
    assert pool.spread == pytest.approx(own)


def contended(joules: float, flag: bool | None) -> StageRecord:
    mark = Mark(units=1, reading=toy_study.reading(joules, contended=flag))
    return StageRecord(stage="trunk", key=f"{joules}", cost_key="epoch", marks=(mark,))


def test_contended_windows_count_only_where_there_is_nothing_better() -> None:
    dirty = [contended(9.0, True), contended(7.0, True)]
    assert Prices(dirty).joules({"epoch": 1})[0] == 8.0
    prices = Prices([*dirty, contended(2.0, False), contended(4.0, None)])
    assert prices.joules({"epoch": 1})[0] == 3.0


def test_more_windows_do_not_average_repeatability_away() -> None:
    records = [dataclasses.replace(contended(2.0, False), key=str(index)) for index in range(400)]
    assert Prices(records, repeatability=lambda _: 0.05).joules({"epoch": 10})[1] == pytest.approx(
        1.0
    )


def test_a_record_added_later_changes_the_pool() -> None:
    prices = Prices([contended(2.0, False)])
    assert prices.joules({"epoch": 1})[0] == 2.0
    prices.add(contended(4.0, False))
    assert prices.joules({"epoch": 1})[0] == 3.0


def test_unmetered_work_has_no_price() -> None:
    assert PRICES.pool("teacher") is None
    with pytest.raises(KeyError, match="teacher"):
        PRICES.joules({"teacher": 1.0})


def test_the_objective_decides_what_is_charged() -> None:
    uses = [("trunk", "t", "epoch", 8.0), ("cooldown", "c", "epoch", 2.0)]
    uses += [("evaluate", "e", "evaluate", 1.0), ("infer", "i", "infer", 1000.0)]
    result = toy_study.trial(0, uses).result
    assert result is not None
    assert demand(result, Objective(name="training")) == {"epoch": 10.0}
    assert demand(result, Objective(name="inference")) == {"infer": 1.0}
    assert demand(result, Objective(images=500)) == {"epoch": 10.0, "infer": 500.0}


def test_the_bill_counts_shared_work_once_and_charges_it_to_all() -> None:
    trunk = ("trunk", "t", "epoch", 10.0)
    trials = [toy_study.trial(0, [trunk], lr=0.1), toy_study.trial(1, [trunk], lr=0.2)]
    lost = Mark(units=1, reading=toy_study.reading(2.0))
    record = dataclasses.replace(
        toy_study.stage("trunk", "t", "epoch", (10, 20.0, 0.0)), lost=(lost,)
    )
    study = toy_study.study(trials, [record])
    lines = bill(study, Prices(study.stages.values()))
    assert lines == {
        "trunk": BillLine(
            runs=1, uses=2, spent_joules=22.0, spent_share=1.0, attributed_joules=40.0
        )
    }


def counted(joules: float, *, started: float | None, edge: float, idle: float = 0.0) -> Mark:
    """A mark of one second whose two edges are off by `edge` joules, with `idle` ones within."""
    part = DomainEnergy(
        domain="gpu:0",
        joules=joules,
        uncertainty_joules=edge + idle,
        edge_joules=edge,
        source="nvml",
        quality=Quality.COUNTER,
    )
    return Mark(units=1.0, reading=EnergyReading(domains=(part,), seconds=1.0, started=started))


def pool_of(*marks: Mark) -> Pool:
    record = StageRecord(stage="trunk", key="k", cost_key="epoch", marks=marks)
    pool = Prices([record]).pool("epoch")
    assert pool is not None
    return pool


@given(st.integers(1, 60), st.floats(0.1, 10), st.floats(0, 10))
def test_inner_edges_cancel_in_the_sum_of_a_window_and_idling_adds_up(
    count: int, edge: float, idle: float
) -> None:
    marks = [counted(100.0, started=1.7e9 + i, edge=edge, idle=idle) for i in range(count)]
    expected = (edge + idle * count) / count
    assert pool_of(*marks).spread == pytest.approx(expected)
    assert pool_of(*reversed(marks)).spread == pytest.approx(expected)


@pytest.mark.parametrize("starts", [(0.0, 2.0, 4.0), (None, None, None)])
def test_marks_apart_from_each_other_have_edges_of_their_own(
    starts: tuple[float | None, ...],
) -> None:
    marks = [counted(100.0, started=start, edge=3.0) for start in starts]
    assert pool_of(*marks).spread == pytest.approx(3.0 * math.sqrt(3) / 3)


def test_the_spread_of_a_pool_covers_what_ticks_do_to_it() -> None:
    """A board of 200 W whose counter moves every 0.1 s, read without waiting for a tick."""
    draw, outside, error = random.Random(0), 0, 1.96 / math.sqrt(6) * 0.1 * 200
    for _ in range(400):
        edges = sorted(draw.uniform(0, 100) for _ in range(6))
        marks: list[Mark] = []
        for start, end in itertools.pairwise(edges):
            joules = 20 * (math.floor(end / 0.1) - math.floor(start / 0.1))
            mark = counted(joules, started=1.7e9 + start, edge=error)
            marks.append(
                dataclasses.replace(
                    mark, reading=dataclasses.replace(mark.reading, seconds=end - start)
                )
            )
        pool = pool_of(*marks)
        outside += abs(pool.joules_per_unit * 5 - 200 * (edges[-1] - edges[0])) > 5 * pool.spread
    assert outside <= 0.07 * 400


def test_net_joules_are_those_above_idle() -> None:
    record = StageRecord(
        stage="trunk", key="k", cost_key="epoch", marks=(counted(100.0, started=None, edge=0.0),)
    )
    assert Prices([record], idle_watts=40.0).net_joules({"epoch": 3}) == pytest.approx(180.0)
    assert Prices([record]).net_joules({"epoch": 3}) is None


def test_domains_repeat_themselves_as_well_as_each_of_them_does() -> None:
    gpu = counted(100.0, started=None, edge=0.0)
    cpu = dataclasses.replace(gpu.reading.domains[0], domain="cpu", joules=10.0)
    reading = dataclasses.replace(gpu.reading, domains=(*gpu.reading.domains, cpu))
    record = StageRecord(
        stage="trunk", key="k", cost_key="epoch", marks=(Mark(units=1.0, reading=reading),)
    )
    limits = {"gpu:0": 0.03, "cpu": 0.28}
    joules, uncertainty = Prices([record], repeatability=limits.__getitem__).joules({"epoch": 2})
    assert (joules, uncertainty) == (pytest.approx(220.0), pytest.approx(2 * (3.0 + 2.8)))


def test_measured_again_the_same_work_differs_by_less_19_times_of_20() -> None:
    noise, dice, within, runs = 0.05, random.Random(0), 0, 1000
    for _ in range(runs):
        # The interval of one reading holds the true 2 J with 95 %.
        once, again = (
            Prices([toy_study.stage("trunk", "a", "epoch", (1, joules, 1.96 * noise))])
            for joules in (dice.gauss(2.0, noise), dice.gauss(2.0, noise))
        )
        (first, uncertainty), (second, _) = once.joules({"epoch": 1}), again.joules({"epoch": 1})
        within += abs(first - second) <= uncertainty
    assert 0.93 <= within / runs <= 0.97

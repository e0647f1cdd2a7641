"""The probability of belonging to the front: laws that hold for any draws, and known worlds."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks import doubt as benchmark
from energy_sweep.front.domination import pareto
from energy_sweep.front.doubt import Beliefs, members, never_members

SMALL = st.integers(1, 12).flatmap(
    lambda points: st.tuples(
        *(arrays.arrays(float, (5, points), elements=st.integers(0, 6)) for _ in "ab")
    )
)


def beliefs(accuracies: np.ndarray, logs: np.ndarray) -> Beliefs:
    return Beliefs(accuracies=accuracies, log_joules=logs)


@given(SMALL)
def test_the_members_of_a_draw_are_what_no_point_of_it_dominates(
    draws: tuple[np.ndarray, np.ndarray],
) -> None:
    accuracies, logs = draws
    for row, accuracy, log in zip(members(accuracies, logs), accuracies, logs, strict=True):
        front = pareto(list(zip(accuracy.tolist(), log.tolist(), strict=True)))
        assert set(np.flatnonzero(row)) == set(front)


@given(SMALL)
def test_leaving_out_who_never_belongs_changes_no_share(
    draws: tuple[np.ndarray, np.ndarray],
) -> None:
    accuracies, logs = draws
    shares = members(accuracies, logs).mean(axis=0)
    assert beliefs(accuracies, logs).belonging().tolist() == shares.tolist()
    assert not shares[never_members(accuracies, logs)].any()


@given(SMALL, st.floats(-20, 20))
def test_a_common_factor_of_joules_changes_no_share(
    draws: tuple[np.ndarray, np.ndarray], log_factor: float
) -> None:
    accuracies, logs = draws
    moved = beliefs(accuracies, logs + log_factor).belonging()
    assert moved.tolist() == beliefs(accuracies, logs).belonging().tolist()


def test_one_alone_belongs_and_one_dominated_by_far_does_not() -> None:
    rng = np.random.default_rng(0)
    accuracies = np.array([0.9, 0.5]) + rng.normal(0, 0.01, (1000, 2))
    logs = np.array([0.0, 3.0]) + rng.normal(0, 0.1, (1000, 2))
    assert beliefs(accuracies[:, :1], logs[:, :1]).belonging().tolist() == [1.0]
    assert beliefs(accuracies, logs).belonging().tolist() == [1.0, 0.0]


def test_of_two_that_cost_the_same_and_are_as_good_each_belongs_half_the_time() -> None:
    rng = np.random.default_rng(1)
    accuracies = 0.9 + rng.normal(0, 0.01, (1000, 2))
    shares = beliefs(accuracies, np.zeros((1000, 2))).belonging()
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(0.5, abs=0.06)


def test_twins_belong_together() -> None:
    rng = np.random.default_rng(2)
    accuracy, log = rng.normal(0.9, 0.01, (1000, 2)), rng.normal(0, 0.1, (1000, 2))
    alone = beliefs(accuracy, log).belonging()
    both = beliefs(accuracy[:, [0, 0, 1]], log[:, [0, 0, 1]]).belonging()
    assert both.tolist() == [alone[0], alone[0], alone[1]]


def test_a_hundred_configurations_take_no_time_and_five_thousand_take_seconds() -> None:
    rng = np.random.default_rng(3)
    for count, seconds in ((108, 1.0), (5000, 30.0)):
        accuracies = rng.normal(0.9, 0.02, (1000, count))
        logs = rng.normal(0, 0.5, (1000, count))
        began = time.process_time()
        shares = beliefs(accuracies, logs).belonging()
        assert time.process_time() - began < seconds
        assert shares.shape == (count,)


def test_in_known_worlds_as_many_members_are_wrong_as_is_expected() -> None:
    found = [
        benchmark.one_world(kind, number, 200) for kind in benchmark.KINDS for number in range(25)
    ]
    said, true, front = (
        np.concatenate([one[name] for one in found]) for name in ("in use", "true", "front")
    )
    wrong = (front & ~true).sum()
    assert wrong > 200
    assert (1 - said[front]).sum() == pytest.approx(wrong, rel=0.15)
    tenths = benchmark.calibration(said[front], true[front])
    assert benchmark.off(tenths) < 0.08
    plain = np.concatenate([one["bootstrap"] for one in found])
    assert benchmark.off(tenths) < benchmark.off(benchmark.calibration(plain[front], true[front]))

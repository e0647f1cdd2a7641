"""Accuracies on the same images: compared image by image, and drawn together."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front.accuracy import AccuracyTable
from energy_sweep.front.differences import compare, differences
from energy_sweep.front.merged import Configuration
from energy_sweep.record import TrialRecord, TrialResult
from energy_sweep.record.answers import Answers
from energy_sweep.uncertainty.intervals import Interval, newcombe, wilson
from energy_sweep.uncertainty.paired import mcnemar, tango

Bits = npt.NDArray[np.uint8]
SEEDS = st.integers(0, 2**32 - 1)


def configuration(
    right: Bits,
    *,
    number: int = 0,
    asked: str | None = "images",
    seeds: Sequence[int] | None = None,
) -> Configuration:
    """A configuration whose seeds gave these answers [seeds, images]."""
    runs, answers = [], []
    for index, each in enumerate(right):
        result = TrialResult(
            config={"number": number},
            seed=index if seeds is None else seeds[index],
            stages=(),
            n_validation=right.shape[1],
            correct=int(each.sum()),
        )
        record = TrialRecord(number=number + index, state="measured", params={}, result=result)
        runs.append((record, result))
        packed = np.packbits(each).tobytes()
        answers.append(Answers.of(packed, count=right.shape[1], asked=asked or ""))
    return Configuration(
        key=str(number),
        runs=tuple(runs),
        demand={},
        answers=tuple(answers) if asked is not None else (),
    )


def bits(seed: int, seeds: int = 1, images: int = 359, share: float = 0.95) -> Bits:
    found = np.random.default_rng(seed).random((seeds, images)) < share
    return found.astype(np.uint8)


def accuracy_interval(one: Configuration) -> Interval:
    return AccuracyTable([one]).interval(0)


def draw_accuracies(
    found: Sequence[Configuration], rng: np.random.Generator, draws: int
) -> npt.NDArray[np.float64]:
    return AccuracyTable(found).draw(rng, draws)


@settings(deadline=None)
@given(SEEDS)
def test_one_seed_each_is_mcnemars_test_and_tangos_interval(seed: int) -> None:
    first, second = bits(seed), bits(seed + 1, share=0.93)
    gained = int((first & ~second & 1).sum())
    lost = int((second & ~first & 1).sum())
    found = compare(configuration(first), configuration(second))
    assert found.paired
    assert found.change == pytest.approx((gained - lost) / 359)
    assert (found.low, found.high) == pytest.approx(tango(gained, lost, 359))
    assert found.p_value == pytest.approx(float(mcnemar(gained, lost)))
    turned = compare(configuration(second), configuration(first))
    assert (turned.p_value, turned.change) == pytest.approx((found.p_value, -found.change))


@pytest.mark.parametrize("asked", ["other images", None])
def test_other_images_are_compared_as_independent(asked: str | None) -> None:
    first, second = bits(1), bits(2, share=0.8)
    found = compare(configuration(first), configuration(second, asked=asked))
    right = int(first.sum()), 359, int(second.sum()), 359
    assert not found.paired
    assert (found.low, found.high) == pytest.approx(newcombe(*right))
    assert found.p_value < 0.001


def test_as_many_other_images_of_that_name_are_other_images() -> None:
    found = [configuration(bits(1)), configuration(bits(2, images=400), number=1)]
    assert not compare(*found).paired
    assert draw_accuracies(found, np.random.default_rng(0), 10).shape == (10, 2)
    assert AccuracyTable(found).better([0, 1])[0].shape == (2, 2)


def test_the_same_images_tell_apart_what_intervals_do_not() -> None:
    second = bits(3, images=1000, share=0.95)
    first = second.copy()
    first[0, np.flatnonzero(second[0] == 0)[:12]] = 1  # 12 images more are right, none is lost
    one, other = configuration(first), configuration(second)
    assert accuracy_interval(one).low < accuracy_interval(other).high
    assert compare(one, other).p_value == pytest.approx(2 / 2**12)
    above, below = AccuracyTable([one, other]).better([0, 1])
    assert above.tolist() == [[False, True], [False, False]]
    assert below.tolist() == [[False, False], [True, False]]
    apart = AccuracyTable([one, configuration(second, asked=None)])
    assert not apart.better([0])[0].any()


@settings(deadline=None)
@given(SEEDS, st.lists(st.integers(1, 3), min_size=2, max_size=6))
def test_a_table_of_all_says_what_pairs_say(seed: int, seeds: list[int]) -> None:
    found = [
        configuration(
            bits(seed + i, count, images=120, share=0.75 + 0.04 * i),
            number=10 * i,
            asked=None if i == 4 else "images",
        )
        for i, count in enumerate(seeds)
    ]
    table = AccuracyTable(found)
    above, below = table.better(range(len(found)))
    for i in range(len(found)):
        for j in range(len(found)):
            [difference] = differences(table, [(i, j)])
            if difference.paired:
                sure = difference.p_value < 0.05
                assert above[i, j] == (sure and difference.change > 0)
                assert below[i, j] == (sure and difference.change < 0)
            else:
                assert above[i, j] == (table.interval(i).low > table.interval(j).high)


def test_seeds_are_judged_beside_others_so_that_intervals_are_as_wide_as_draws() -> None:
    rng = np.random.default_rng(0)
    shares = 0.9 + rng.normal(0, 0.02, (8, 2))
    apart = [
        [bits(10 * i + j, images=500, share=s) for j, s in enumerate(pair)]
        for i, pair in enumerate(shares)
    ]
    found = [configuration(np.concatenate(each), number=i) for i, each in enumerate(apart)]
    table = AccuracyTable(found)
    drawn = table.draw(rng, 4000)
    for index in range(8):
        low, high = table.interval(index)
        spread = np.quantile(drawn[:, index], 0.975) - np.quantile(drawn[:, index], 0.025)
        assert spread == pytest.approx(high - low, rel=0.15)
    widths = [high - low for low, high in map(accuracy_interval, found)]
    assert max(widths) > 3 * max(np.subtract(*table.interval(i)[::-1]) for i in range(8))


def test_one_seed_has_wilsons_interval_and_more_a_wider_one_where_they_differ() -> None:
    right = bits(5)
    assert accuracy_interval(configuration(right)) == wilson(int(right.sum()), 359)
    again = configuration(np.concatenate([right, right]), seeds=[0, 0])
    assert accuracy_interval(again) == wilson(int(right.sum()), 359)  # the same net once more
    apart = np.concatenate([bits(6, share=0.97), bits(7, share=0.9), bits(8, share=0.8)])
    found = accuracy_interval(configuration(apart))
    alone = wilson(apart.mean() * 359, 359)
    assert found.low < alone.low and found.high > alone.high


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_draws_lie_around_the_accuracy_as_wide_as_its_interval(seed: int) -> None:
    found = [configuration(bits(seed + i, share=0.9), number=i) for i in range(3)]
    found.append(configuration(bits(seed + 9, share=0.9), asked=None))
    draws = draw_accuracies(found, np.random.default_rng(0), 2000)
    assert draws.shape == (2000, 4)
    for one, drawn in zip(found, draws.T, strict=True):
        low, high = accuracy_interval(one)
        assert drawn.mean() == pytest.approx(one.accuracy, abs=0.003)
        spread = np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025)
        assert spread == pytest.approx(high - low, rel=0.15)


def test_draws_of_the_same_images_move_together() -> None:
    hard = bits(1, images=2000, share=0.9)
    first, second = hard & bits(2, images=2000, share=0.99), hard & bits(3, images=2000, share=0.99)
    alike = [configuration(first), configuration(second, number=1), configuration(first, number=2)]
    draws = draw_accuracies(alike, np.random.default_rng(0), 4000)
    change = draws[:, 0] - draws[:, 1]
    difference = compare(alike[0], alike[1])
    spread = np.quantile(change, 0.975) - np.quantile(change, 0.025)
    assert spread == pytest.approx(difference.high - difference.low, rel=0.15)
    assert (draws[:, 0] == draws[:, 2]).all()  # the same answers are the same net
    other = configuration(second, number=1, asked="other images")
    apart = draw_accuracies([alike[0], other], np.random.default_rng(0), 4000)
    assert np.std(apart[:, 0] - apart[:, 1]) > 1.5 * np.std(change)


def test_draws_hold_what_seeds_differ_in() -> None:
    apart = np.concatenate([bits(i, images=5000, share=0.8 + 0.03 * i) for i in range(5)])
    one = configuration(apart)
    drawn = draw_accuracies([one], np.random.default_rng(0), 4000)[:, 0]
    low, high = accuracy_interval(one)
    assert np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025) == pytest.approx(
        high - low, rel=0.1
    )
    assert np.median(drawn) == pytest.approx(one.accuracy, abs=0.005)


@pytest.mark.slow
def test_thousands_of_configurations_take_seconds() -> None:
    found = [configuration(bits(i, images=10_000), number=i) for i in range(2000)]
    began = time.process_time()
    AccuracyTable(found).better(range(20))
    draw_accuracies(found, np.random.default_rng(0), 200)
    assert time.process_time() - began < 20

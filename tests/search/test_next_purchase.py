"""What is bought next is what takes the most doubt away per joule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.race import course, decisions_at, equal_repetition, race
from benchmarks.race_world import NoisyWorld
from energy_sweep.front.doubt import Beliefs
from energy_sweep.search.next_purchase import FreshSeed, Offers, Turn, next_purchases
from energy_sweep.search.standing import Standing, normal

OFFERS = Offers(
    round_joules=np.array([1.0, 1.0]), round_marks=np.ones(2), seed_joules=np.full(3, 10.0)
)


def standing(*, accuracy_spread: float, joules_spread: float) -> Standing:
    """Two configurations that are nearly one, and a third that nothing comes near."""
    random, draws = np.random.default_rng(0), (2000, 3)
    accuracies = random.normal([0.9, 0.901, 0.5], accuracy_spread, draws)
    log_joules = random.normal([0.0, 0.001, -3.0], joules_spread, draws)
    return Standing(
        accuracies=accuracies,
        log_joules=log_joules,
        belonging=Beliefs(accuracies=accuracies, log_joules=log_joules).belonging(),
        members=np.array([True, True, True]),
        shares=np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]),
        mark_variance=np.full(2, 0.01),
        marks=np.full(2, 4.0),
        seeds=np.ones(3),
    )


def test_rounds_where_joules_decide_and_seeds_where_accuracy_does() -> None:
    by_joules = standing(accuracy_spread=1e-5, joules_spread=0.05)
    by_accuracy = standing(accuracy_spread=0.02, joules_spread=1e-5)
    assert next_purchases(by_joules, OFFERS, allowed=50, at_once=1) == [Turn((0, 1))]
    [seed] = next_purchases(by_accuracy, OFFERS, allowed=50, at_once=1)
    assert seed in (FreshSeed(0), FreshSeed(1))


def test_a_lower_price_decides_between_equals() -> None:
    known = standing(accuracy_spread=0.02, joules_spread=0.05)
    for cheap in (0, 1):
        prices = np.full(3, 10.0)
        prices[cheap] = 0.1
        offers = replace(OFFERS, seed_joules=prices)
        first = next_purchases(known, offers, allowed=50, at_once=0.01)
        assert first == [FreshSeed(cheap)]


def test_nothing_is_bought_beyond_what_is_allowed_or_from_nobody() -> None:
    known = standing(accuracy_spread=0.02, joules_spread=0.05)
    assert next_purchases(known, OFFERS, allowed=1.9, at_once=1) == []
    chosen = next_purchases(known, OFFERS, allowed=30, at_once=30)
    assert 0 < sum(OFFERS.price(one) for one in chosen) <= 30
    seeds = [one for one in chosen if isinstance(one, FreshSeed)]
    assert len(seeds) == len(set(seeds))
    none = replace(OFFERS, round_joules=np.full(2, np.inf), seed_joules=np.full(3, np.inf))
    assert next_purchases(known, none, allowed=1e6, at_once=1e6) == []


def test_the_configuration_that_nothing_comes_near_is_never_bought() -> None:
    known = standing(accuracy_spread=0.02, joules_spread=0.05)
    assert 2 not in known.undecided.tolist()
    assert known.contested == [0, 1]


def test_equal_twins_are_in_no_contest() -> None:
    known = standing(accuracy_spread=0.02, joules_spread=0.05)
    twins = replace(
        known,
        accuracies=known.accuracies[:, [0, 0, 2]],
        log_joules=known.log_joules[:, [0, 0, 2]],
        belonging=np.array([0.5, 0.5, 1.0]),
    )
    assert len(twins.contests().member) == 0
    assert next_purchases(twins, OFFERS, allowed=50, at_once=50) == []


def test_the_normal_distribution_is_close_enough() -> None:
    assert normal(np.array([-9.0, -1.0, 0.0, 1.6449, 9.0])) == pytest.approx(
        [0, 0.15866, 0.5, 0.95, 1], abs=2e-4
    )


@pytest.mark.contracts
def test_the_race_gets_further_than_equal_repetition() -> None:
    ours, theirs = [], []
    for seed in range(4):
        for found, steps in ((ours, race), (theirs, equal_repetition)):
            world = NoisyWorld(np.random.default_rng(seed))
            found.append(course(world, steps(world), 0.5))
    share = np.array([0.5])
    gained = decisions_at(ours, share).mean() - decisions_at(theirs, share).mean()
    assert gained > 0

"""What is ranked first: gain over price, within constraints, and away from what cannot run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.search.acquisition.policy import Candidates, feasible, rank, reference

IMAGES = 1000.0


def candidates(seed: int = 0, count: int = 60, known: int = 12) -> Candidates:
    rng = np.random.default_rng(seed)
    features = rng.random((count, 2))
    accuracy = 0.9 - 0.3 * (features[:, 0] - 0.5) ** 2 + 0.05 * features[:, 1]
    measured = np.arange(known, dtype=np.intp)
    return Candidates(
        features=features,
        joules=10 ** (1 + features[:, 1]),
        price=rng.uniform(1, 5, count),
        measured=measured,
        correct=rng.binomial(int(IMAGES), accuracy[measured]).astype(float),
        images=np.full(known, IMAGES),
    )


def test_the_best_gives_the_most_area_for_a_joule_and_was_not_measured() -> None:
    given = candidates()
    ranking = rank(given)
    assert (ranking.gain[given.measured] == 0).all() and (ranking.gain >= 0).all()
    allowed = np.ones(60, dtype=bool)
    best = ranking.best(allowed)
    assert best is not None and best not in given.measured
    np.testing.assert_allclose(ranking.rate, ranking.gain / given.price)
    allowed[best] = False
    assert ranking.best(allowed) != best
    assert ranking.best(np.zeros(60, dtype=bool)) is None


def test_what_is_outside_of_constraints_is_of_no_worth() -> None:
    given = candidates()
    ranking = rank(replace(given, least_accuracy=0.9, most_joules=50.0))
    assert (ranking.gain[given.joules >= 50.0] == 0).all()
    hopeless = ranking.mean + 8 * ranking.sd < 0.9
    assert (ranking.gain[hopeless] < 1e-9).all()
    assert ranking.gain.max() > 0


def test_what_could_not_run_is_not_asked_for_again_and_its_neighbours_less() -> None:
    given = candidates()
    broken = np.array([30, 31], dtype=np.intp)
    free, wary = rank(given), rank(replace(given, infeasible=broken))
    assert (wary.gain[broken] == 0).all()
    share = np.divide(wary.gain, free.gain, out=np.ones(60), where=free.gain > 0)
    apart = np.hypot(*(given.features - given.features[30]).T)
    others = np.setdiff1d(np.arange(12, 60), broken)
    near = others[np.argsort(apart[others])]
    assert share[near[0]] < share[near[-1]] <= 1


def test_all_is_feasible_until_something_was_not() -> None:
    given = candidates()
    none = np.array([], dtype=np.intp)
    assert feasible(given.features, given.measured, none).min() >= 0.95


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_the_reference_shuts_nothing_out_that_may_be_of_the_front(seed: int) -> None:
    rng = np.random.default_rng(seed)
    accuracy, cost = rng.uniform(0.5, 0.9, 20), rng.uniform(0, 2, 20)
    hoped = accuracy + rng.uniform(0, 0.2, 20)
    floor, ceiling = reference(accuracy, hoped, cost)
    best = int(np.argmax(hoped))
    assert cost[best] <= ceiling and accuracy[int(np.argmin(cost))] >= floor

"""What is given up, and what may still be found: against fronts drawn one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.front.domination import hypervolume, pareto
from energy_sweep.search.acquisition.giving_up import doubt, given_up, membership
from energy_sweep.search.acquisition.policy import Candidates, Ranking

POINTS = st.lists(
    st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.integers(0, 20).map(float)), max_size=9
)


def believed(seed: int, count: int = 14, known: int = 5) -> tuple[Ranking, Candidates]:
    rng = np.random.default_rng(seed)
    zeros = np.zeros(count)
    measured = rng.permutation(count)[:known].astype(np.intp)
    sd = rng.uniform(0.01, 0.1, count)
    sd[measured] = 0.005
    ranking = Ranking(mean=rng.uniform(0.5, 0.9, count), sd=sd, gain=zeros, rate=zeros)
    candidates = Candidates(
        features=zeros[:, None],
        joules=rng.uniform(1, 9, count).round(),  # several cost the same, as rates of learning do
        price=zeros,
        measured=measured,
        correct=zeros[:known],
        images=zeros[:known],
    )
    return ranking, candidates


def drawn_members(ranking: Ranking, candidates: Candidates, draws: int) -> np.ndarray:
    """Whether each is a member of fronts that are drawn of what is believed [draws, N]."""
    rng = np.random.default_rng(1)
    found = np.zeros((draws, len(ranking.mean)), dtype=bool)
    for row in found:
        accuracy = rng.normal(ranking.mean, ranking.sd)
        row[list(pareto(list(zip(accuracy, candidates.joules, strict=True))))] = True
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_member_is_never_less_likely_than_said(seed: int) -> None:
    ranking, candidates = believed(seed)
    members = drawn_members(ranking, candidates, 400).mean(axis=0)
    said = membership(ranking, candidates)
    fresh = np.setdiff1d(np.arange(len(said)), candidates.measured)
    assert (members[fresh] <= said[fresh] + 4 * np.sqrt(said[fresh] / 400) + 0.01).all()
    assert (said[candidates.measured] == 0).all()


def test_what_may_cost_less_than_what_beats_it_is_not_given_up() -> None:
    ranking, known = believed(0)
    fresh = np.setdiff1d(np.arange(len(known.joules)), known.measured)
    cheapest = replace(known, least_joules=np.where(np.isin(range(14), fresh), 0.1, known.joules))
    assert (membership(ranking, known)[fresh] < 1).any()
    assert (membership(ranking, cheapest)[fresh] == 1).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_group_is_given_up_only_where_none_of_it_is_likely(seed: int) -> None:
    ranking, candidates = believed(seed)
    groups = np.arange(len(ranking.mean)) % 4
    out = given_up(membership(ranking, candidates), groups)
    members = drawn_members(ranking, candidates, 400)
    members[:, candidates.measured] = False
    for group in range(4):
        of = groups == group
        assert len(set(out[of])) == 1
        assert not out[of][0] or members[:, of].any(axis=1).mean() < 0.1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_doubt_is_the_share_of_members_yet_to_be_measured(seed: int) -> None:
    ranking, candidates = believed(seed)
    members = drawn_members(ranking, candidates, 2000)
    fresh = np.setdiff1d(np.arange(len(ranking.mean)), candidates.measured)
    share = members[:, fresh].sum() / members.sum()
    assert abs(doubt(ranking, candidates, membership(ranking, candidates)) - share) < 0.12


@given(POINTS)
def test_the_front_is_that_of_every_pair(points: list[tuple[float, float]]) -> None:
    def dominated(one: tuple[float, float]) -> bool:
        return any(other[0] >= one[0] and other[1] <= one[1] and other != one for other in points)

    front = [at for at, one in enumerate(points) if not dominated(one)]
    assert sorted(pareto(points)) == front


@given(POINTS)
def test_the_hypervolume_is_that_of_unit_cells(points: list[tuple[float, float]]) -> None:
    """All values lie on a grid, whose cells are counted one by one."""
    accuracies, joules = np.arange(0.2, 1.0, 0.05), np.arange(0.0, 15.0)
    cells = np.zeros((len(accuracies), len(joules)), dtype=bool)
    for accuracy, cost in points:
        cells |= (accuracies[:, None] + 0.05 <= accuracy + 1e-9) & (joules[None, :] >= cost)
    assert abs(hypervolume(points, (0.2, 15.0)) - 0.05 * cells.sum()) < 1e-9

"""What is no longer worth asking for: candidates that would hardly be members of the front."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.doubt import members
from energy_sweep.search.acquisition.policy import Candidates, Ranking

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]

GIVEN_UP = 0.02  # probability that any of a group is a member, below which it is given up
CONTENDER = 0.01  # probability below which a candidate is not drawn
DRAWS = 128


def membership(ranking: Ranking, candidates: Candidates) -> Floats:
    """The most probability of each candidate to be a member of the front [N]; 0 of those measured.

    To be a member it must be more accurate than any other at no more joules. This is the least
    probability to be more accurate than one that is measured, and surely no dearer: never too
    little, but for what the model does not know.
    """
    joules = candidates.joules if candidates.least_joules is None else candidates.least_joules
    special: Any = importlib.import_module("scipy.special")
    measured = candidates.measured
    apart = ranking.mean[:, None] - ranking.mean[measured]
    spread = np.hypot(ranking.sd[:, None], ranking.sd[measured])
    dearer = joules[:, None] >= candidates.joules[measured]
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = np.where(dearer, np.nan_to_num(apart / spread), np.inf)
    found = np.asarray(special.ndtr(standard.min(axis=1, initial=np.inf)), dtype=np.float64)
    found[measured] = 0.0
    return found if candidates.kept is None else found * candidates.kept


def given_up(probability: Floats, groups: Numbers) -> Flags:
    """Whether each candidate is of a group of which hardly any would be a member [N].

    `groups` [N] numbers what is given up together, such as all that branches off one training; the
    `probability` [N] that any of a group is a member is at most the sum.
    """
    of_group = np.zeros(int(groups.max(initial=0)) + 1)
    np.add.at(of_group, groups, probability)
    return (of_group < GIVEN_UP)[groups]


def doubt(ranking: Ranking, candidates: Candidates, probability: Floats) -> float:
    """Share of the members that are not measured yet, over fronts drawn of what is believed."""
    drawn = probability > CONTENDER
    drawn[candidates.measured] = True
    of = np.flatnonzero(drawn)
    noise = np.random.default_rng(0).standard_normal((DRAWS, len(of)))
    accuracy = ranking.mean[of] + ranking.sd[of] * noise
    member = members(accuracy, np.tile(np.log(candidates.joules[of]), (DRAWS, 1)))
    fresh = ~np.isin(of, candidates.measured)
    return float(member[:, fresh].sum() / max(member.sum(), 1))

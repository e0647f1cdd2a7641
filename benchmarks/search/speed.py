"""How long one suggestion takes, from answers to the best candidate, on one core."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.search.runs import IMAGES
from energy_sweep.search.acquisition import accuracy_model
from energy_sweep.search.acquisition.giving_up import doubt, given_up, membership
from energy_sweep.search.acquisition.policy import Candidates, rank
from energy_sweep.search.acquisition.usual import RISE

CANDIDATES, AXES = 2000, 9
ANSWERS = (50, 200, 1000, 1900)
LIMITS = {200: 0.5, 1000: 2.0}  # seconds


def speed(repeats: int = 5) -> dict[str, dict[str, float | bool]]:
    """Median seconds by answers: `cold` finds the settings of the model anew, `warm` has them."""
    found: dict[str, dict[str, float | bool]] = {}
    for answers in ANSWERS:
        cold, warm = (_median_seconds(answers, repeats, forget=forget) for forget in (True, False))
        row: dict[str, float | bool] = {"cold": round(cold, 3), "warm": round(warm, 3)}
        if answers in LIMITS:
            row["met"] = cold < LIMITS[answers]
        found[str(answers)] = row
    return found


def _median_seconds(answers: int, repeats: int, *, forget: bool) -> float:
    candidates = _candidates(answers)
    groups = np.arange(CANDIDATES) // 10
    taken = list[float]()
    for _ in range(repeats):
        if forget:
            accuracy_model.forget()
        begun = time.perf_counter()
        ranking = rank(candidates)
        probability = membership(ranking, candidates)
        ranking.best(~given_up(probability, groups))
        doubt(ranking, candidates, probability)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def _candidates(answers: int) -> Candidates:
    rng = np.random.default_rng(0)
    features = rng.random((CANDIDATES, AXES))
    accuracy = 0.95 - 0.2 * (features[:, 0] - 0.4) ** 2 - 0.1 * (1 - features[:, 1]) ** 3
    measured = rng.permutation(CANDIDATES)[:answers].astype(np.intp)
    return Candidates(
        features=features,
        joules=10 ** (1 + features[:, 1] + 0.5 * features[:, 2]),
        price=rng.uniform(1, 20, CANDIDATES),
        measured=measured,
        correct=rng.binomial(IMAGES, accuracy[measured]).astype(np.float64),
        images=np.full(answers, float(IMAGES)),
        expected=RISE * features[:, 1],
    )

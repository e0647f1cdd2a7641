"""What is believed of the accuracy of candidates: a Gaussian process on its logit.

The logit is a constant, a part that is smooth over the axes (Matern 5/2, a length for each), and a
part of each candidate's own that no axis explains; a count of right answers has the noise of a
binomial besides (Rasmussen and Williams 2006). The settings are those that are likeliest together
with what is usual of them, so that few answers do not lead them astray.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

# Settings are found on so many answers at first, and anew at 1.5 times as many.
FIRST_FIT, GROWTH = 6, 1.5
MOST_FITTED = 150  # answers; finding the settings takes their number to the third
CONSTANT = 4.0  # variance of the constant about the median of the answers
# What is usual of the logarithms of scale, lengths and roughness: mean and standard deviation.
SCALE, LENGTH, ROUGH = (0.0, 0.7), (0.0, 0.8), (-2.3, 0.7)
LOWEST = 3.0  # what lies this many times the upper half's spread below the median counts as there


@dataclass(frozen=True, slots=True, eq=False)
class AnswerCounts:
    """Of M configurations with `features` [M, D]: `correct` of so many `images`, each [M].

    `expected` [M] are logits that were expected of them, but for a constant: 0 if none are given.
    """

    features: Floats
    correct: Floats
    images: Floats
    expected: Floats | None = None

    @property
    def logits(self) -> Floats:
        """Above what was expected."""
        found = np.log((self.correct + 0.5) / (self.images - self.correct + 0.5))
        return found if self.expected is None else found - self.expected

    @property
    def variances(self) -> Floats:
        return 1 / (self.correct + 0.5) + 1 / (self.images - self.correct + 0.5)

    def first(self, count: int) -> AnswerCounts:
        given = None if self.expected is None else self.expected[:count]
        return AnswerCounts(self.features[:count], self.correct[:count], self.images[:count], given)


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Standard deviations of the smooth part and of each candidate's own, and lengths [D]."""

    scale: float
    rough: float
    lengths: Floats

    def smooth(self, left: Floats, right: Floats) -> Floats:
        """Covariance of the constant and the smooth part [L, R]."""
        apart = np.sqrt(5.0 * squares(left / self.lengths, right / self.lengths))
        return CONSTANT + self.scale**2 * (1 + apart + apart**2 / 3) * np.exp(-apart)


def believe(
    answers: AnswerCounts,
    features: Floats,
    measured: Numbers | None = None,
    expected: Floats | None = None,
    told: Numbers | None = None,
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the accuracy of candidates `features` [N, D], each [N].

    `measured` [M] says which candidates the answers are of, `expected` [N] is as that of the
    answers. A pure function of the answers in their order, so that a resumed search believes the
    same. Only those `told` tell of others, where that is given; any tells of itself.
    """
    centre, logits = _centred(answers)
    settings = _settings(answers, fitted_on(len(logits)))
    used = np.arange(len(logits), dtype=np.intp) if told is None else told
    of = None if measured is None else measured[used]
    given = (answers.features[used], logits[used], answers.variances[used])
    mean, sd = _posterior(settings, given, features, of)
    if measured is not None and len(used) < len(logits):
        rest = np.setdiff1d(np.arange(len(logits)), used)
        at, variance = measured[rest], answers.variances[rest]
        share = sd[at] ** 2 / (sd[at] ** 2 + variance)  # of itself, each tells by its own count
        mean[at] += share * (logits[rest] - mean[at])
        sd[at] *= np.sqrt(1 - share)
    if expected is not None:
        mean = mean + expected
    return _as_accuracy(mean + centre, sd)


def _posterior(
    settings: Settings,
    told: tuple[Floats, Floats, Floats],
    features: Floats,
    measured: Numbers | None,
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of logits [N], told features, logits and variances of answers."""
    linalg = _linalg()
    at, logits, variances = told
    own = settings.rough**2
    known = settings.smooth(at, at)
    known[np.diag_indices_from(known)] += own + variances
    across = settings.smooth(features, at)
    if measured is not None:
        across[measured, np.arange(len(measured))] += own
    lower = linalg.cholesky(known, lower=True)
    mean = across @ linalg.cho_solve((lower, True), logits)
    explained = (linalg.solve_triangular(lower, across.T, lower=True) ** 2).sum(axis=0)
    prior = CONSTANT + settings.scale**2 + own
    return mean, np.sqrt(np.maximum(prior - explained, 1e-12))


def fitted_on(count: int) -> int:
    """On how many of the first answers the settings are found."""
    found = float(min(count, FIRST_FIT))
    while found * GROWTH <= min(count, MOST_FITTED):
        found *= GROWTH
    return int(found)


def _centred(answers: AnswerCounts) -> tuple[float, Floats]:
    """The median of the logits, and what they are above it.

    How far below all others an answer lies, as what diverged does, would tell nothing of the others
    but that the surface is steep: it counts as no more than so far below.
    """
    logits = answers.logits
    centre = float(np.median(logits))
    spread = max(float(np.quantile(logits, 0.9)) - centre, 0.3)
    return centre, np.maximum(logits - centre, -LOWEST * spread)


def _settings(answers: AnswerCounts, first: int) -> Settings:
    """Those that the first answers make likeliest."""
    given = answers.first(first)
    key = (given.features, _centred(given)[1], given.variances)
    found = _likeliest(*(np.ascontiguousarray(one).tobytes() for one in key), first)
    return Settings(float(np.exp(found[0])), float(np.exp(found[1])), np.exp(found[2:]))


@lru_cache(maxsize=32)
def _likeliest(features: bytes, logits: bytes, variances: bytes, count: int) -> Floats:
    """Logarithms of scale, roughness and lengths [2 + D]."""
    optimize: Any = importlib.import_module("scipy.optimize")
    given = [np.frombuffer(one).reshape(count, -1) for one in (features, logits, variances)]
    squares = (given[0][:, None, :] - given[0][None, :, :]) ** 2
    dimensions = squares.shape[2]
    usual = np.array([SCALE, ROUGH, *[LENGTH] * dimensions])
    bounds = [(mean - 4 * sd, mean + 4 * sd) for mean, sd in usual]
    found: Any = optimize.minimize(
        _unlikely,
        usual[:, 0],
        args=(squares, given[1][:, 0], given[2][:, 0], usual),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 60},
    )
    return found.x


def _unlikely(
    logs: Floats, squares: Floats, logits: Floats, variances: Floats, usual: Floats
) -> tuple[float, Floats]:
    """Minus the logarithm of likelihood times prior, and its slopes [2 + D]."""
    linalg = _linalg()
    scale, own, lengths = np.exp(2 * logs[0]), np.exp(2 * logs[1]), np.exp(logs[2:])
    apart = np.sqrt(5.0 * (squares / lengths**2).sum(axis=2))
    fading = np.exp(-apart)
    smooth = scale * (1 + apart + apart**2 / 3) * fading
    known = CONSTANT + smooth + np.diag(own + variances)
    lower = linalg.cholesky(known, lower=True)
    inverse = linalg.cho_solve((lower, True), np.eye(len(logits)))
    weights = inverse @ logits
    slope = inverse - np.outer(weights, weights)
    steep = slope * scale * (5 / 3) * (1 + apart) * fading
    slopes = [
        (slope * smooth).sum(),
        own * np.trace(slope),
        *(0.5 * np.einsum("ij,ijd->d", steep, squares) / lengths**2),
    ]
    off = (logs - usual[:, 0]) / usual[:, 1]
    value = 0.5 * logits @ weights + np.log(np.diag(lower)).sum() + 0.5 * (off**2).sum()
    return float(value), np.array(slopes) + off / usual[:, 1]


def _linalg() -> Any:
    """Scipy's module, which has no types, loaded where it is used."""
    return importlib.import_module("scipy.linalg")


def forget() -> None:
    """Find all settings anew when next asked; what is believed stays the same."""
    _likeliest.cache_clear()


def squares(left: Floats, right: Floats) -> Floats:
    """Squared distances [L, R]."""
    both = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
    return np.maximum(both, 0.0)


def _logistic(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))


def _as_accuracy(mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the logistic of a normal, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    weights = weights / weights.sum()
    values = _logistic(mean[:, None] + sd[:, None] * nodes)
    first = values @ weights
    return first, np.sqrt(np.maximum(0.0, (values**2) @ weights - first**2))

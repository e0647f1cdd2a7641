"""What is believed of the accuracy of candidates: a Gaussian process on its logit.

Each answer has the noise of a binomial count besides, and what no axis explains is a noise of its
own, which is believed of every candidate too (Rasmussen and Williams 2006).
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Settings of the kernel are found on so many answers at first, and anew at 1.5 times as many.
FIRST_FIT, GROWTH = 8, 1.5
MOST_FITTED = 150  # answers; finding the settings takes their number to the third
ROUGHNESS = 0.1  # of the logit, believed at first


@dataclass(frozen=True, slots=True, eq=False)
class AnswerCounts:
    """Of M configurations with `features` [M, D]: `correct` of so many `images`, each [M]."""

    features: Floats
    correct: Floats
    images: Floats

    @property
    def logits(self) -> Floats:
        return np.log((self.correct + 0.5) / (self.images - self.correct + 0.5))

    @property
    def variances(self) -> Floats:
        return 1 / (self.correct + 0.5) + 1 / (self.images - self.correct + 0.5)


def believe(answers: AnswerCounts, features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the accuracy of candidates `features` [N, D], each [N].

    A pure function of the answers in their order, so that a resumed search believes the same.
    """
    logits, variances = answers.logits, answers.variances
    centre = float(np.median(logits))
    kernel = _fitted(answers, fitted_on(len(logits)))
    process = _gaussian_process().GaussianProcessRegressor(kernel, alpha=variances, optimizer=None)
    process.fit(answers.features, logits - centre)
    mean, sd = process.predict(features, return_std=True)
    return _as_accuracy(mean + centre, sd)


def fitted_on(count: int) -> int:
    """On how many of the first answers the settings of the kernel are found."""
    found = float(min(count, FIRST_FIT))
    while found * GROWTH <= min(count, MOST_FITTED):
        found *= GROWTH
    return int(found)


def _fitted(answers: AnswerCounts, first: int) -> Any:
    """The kernel with the settings that make the first answers most likely."""
    process, kernels = _gaussian_process(), _gaussian_process().kernels
    dimensions = answers.features.shape[1]
    smooth = kernels.Matern(np.ones(dimensions), (0.1, 20.0), nu=2.5)
    rough = kernels.WhiteKernel(ROUGHNESS**2, (1e-5, 1.0))
    kernel = kernels.ConstantKernel(1.0, (0.05, 50.0)) * smooth + rough
    logits, chosen = answers.logits, slice(0, first)
    found = process.GaussianProcessRegressor(kernel, alpha=answers.variances[chosen])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # settings at their bounds are fine
        found.fit(answers.features[chosen], logits[chosen] - float(np.median(logits)))
    return found.kernel_


def _gaussian_process() -> Any:
    """Scikit-learn's module, which has no types, loaded where it is used."""
    return importlib.import_module("sklearn.gaussian_process")


def _logistic(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))


def _as_accuracy(mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the logistic of a normal, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    weights = weights / weights.sum()
    values = _logistic(mean[:, None] + sd[:, None] * nodes)
    first = values @ weights
    return first, np.sqrt(np.maximum(0.0, (values**2) @ weights - first**2))

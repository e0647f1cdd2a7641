"""The knowledge gradient of the benchmark's strongest rival, against what defines it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.search.hvkg import front_area, knowledge_gradient
from energy_sweep.front.domination import hypervolume

COUNT, READINGS = 4, 4000
REFERENCE = torch.tensor([-1.0, -1.5], dtype=torch.double)


@dataclass(frozen=True)
class Believed:
    """A Gaussian process, as far as it is asked."""

    mean: Tensor
    covariance: Tensor

    def posterior(self, features: Tensor) -> SimpleNamespace:
        distribution = SimpleNamespace(covariance_matrix=self.covariance)
        return SimpleNamespace(distribution=distribution, mean=self.mean[:, None])

    def after(self, index: int, reading: float, variance: float) -> Tensor:
        """What is expected of all once one has been read [N], by Bayes' rule."""
        share = self.covariance[index] / (self.covariance[index, index] + variance)
        return self.mean + share * (reading - self.mean[index])


def area(points: Tensor) -> float:
    """By the program's own: it wants joules to go down."""
    pairs = [(float(high), -float(low)) for high, low in points]
    return hypervolume(pairs, (float(REFERENCE[0]), -float(REFERENCE[1])))


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_area_is_the_hypervolume(seed: int, count: int) -> None:
    drawn = torch.tensor(np.random.default_rng(seed).normal(size=(3, count, 2)).round(1))
    assert np.allclose(front_area(drawn, REFERENCE), [area(points) for points in drawn])


def test_gradient_is_the_mean_gain_over_readings() -> None:
    drawn = np.random.default_rng(7)
    noise, models = torch.tensor([0.2, 0.5], dtype=torch.double), []
    for _ in range(2):
        root = torch.tensor(drawn.normal(size=(COUNT, COUNT)))
        models.append(Believed(torch.tensor(drawn.normal(size=COUNT)), root @ root.T))
    draws = torch.tensor(drawn.normal(size=(READINGS, 2)))
    features = torch.zeros(COUNT, 1, dtype=torch.double)

    found = knowledge_gradient(models, features, noise, REFERENCE, draws)

    now = area(torch.stack([model.mean for model in models], dim=-1))
    for index in range(COUNT):
        gains = []
        for _ in range(READINGS):
            believed = []
            for model, variance in zip(models, noise.tolist(), strict=True):
                deviation = (float(model.covariance[index, index]) + variance) ** 0.5
                reading = float(model.mean[index]) + deviation * drawn.normal()
                believed.append(model.after(index, reading, variance))
            gains.append(area(torch.stack(believed, dim=-1)) - now)
        doubt = 4 * np.std(gains) * (2 / READINGS) ** 0.5  # both are means over as many draws
        assert abs(float(found[index]) - np.mean(gains)) < doubt

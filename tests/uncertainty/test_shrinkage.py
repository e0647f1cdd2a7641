"""What is believed of accuracies: they are drawn towards those of others, where there are some."""

from __future__ import annotations

import numpy as np
import pytest

from energy_sweep.uncertainty.shrinkage import alike, believed_accuracies

Rng = np.random.Generator


def sweep(rng: Rng, true: np.ndarray, images: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies measured once on the same images, and a bootstrap around them."""
    right = (rng.random((images, len(true))) < true).astype(float)
    picked = rng.multinomial(images, np.full(images, 1 / images), 500) / images
    return right.mean(axis=0), picked @ right


def believed(values: np.ndarray, draws: np.ndarray, images: int = 400) -> np.ndarray:
    many = np.full(len(values), float(images))
    return believed_accuracies(
        draws, values, images=many, place=np.zeros(len(values)), rng=np.random.default_rng(9)
    )


def test_the_luckiest_of_many_equals_is_believed_to_be_little_better_than_they() -> None:
    rng = np.random.default_rng(0)
    values, draws = sweep(rng, np.full(100, 0.9))
    best = int(values.argmax())
    found = believed(values, draws).mean(axis=0)
    assert values[best] > 0.925
    assert found[best] < 0.9 + 0.6 * (values[best] - 0.9)
    assert found.mean() == pytest.approx(values.mean(), abs=0.003)


def test_what_is_far_from_all_others_is_believed() -> None:
    rng = np.random.default_rng(1)
    values, draws = sweep(rng, np.r_[np.full(50, 0.5), 0.95])
    found = believed(values, draws)
    assert found[:, -1].mean() == pytest.approx(values[-1], abs=0.005)
    assert found[:, -1].std() == pytest.approx(draws[:, -1].std(), rel=0.3)


def test_one_alone_is_what_was_measured_of_it() -> None:
    rng = np.random.default_rng(2)
    values, draws = sweep(rng, np.array([0.8]))
    found = believed(values, draws)
    assert found.mean() == pytest.approx(values[0], abs=0.005)
    assert found.std() == pytest.approx(draws.std(), rel=0.2)


def test_what_all_got_right_is_not_believed_to_be_all_right() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, (500, 2))
    found = believed(np.ones(2), np.clip(1 + noise, 0, 1), images=100)
    assert 0.98 < found.mean() < 1
    assert found.std() > 0.002


def test_columns_are_alike_where_they_are_the_same() -> None:
    draws = np.array([[0.5, 0.25, 0.5, 0.5], [0.5, 0.5, 0.5, 0.25]])
    assert alike(draws).tolist() == [0, 1, 0, 2]
    rng = np.random.default_rng(4)
    values, many = sweep(rng, np.array([0.9, 0.8]))
    found = believed(values[[0, 1, 0]], many[:, [0, 1, 0]])
    assert (found[:, 0] == found[:, 2]).all()
    assert (found[:, 0] != found[:, 1]).all()

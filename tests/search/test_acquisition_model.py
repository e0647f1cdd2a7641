"""What is believed of accuracies: settings, pure in the answers, and more sure where measured."""

from __future__ import annotations

import numpy as np
import pytest

from energy_sweep.search.acquisition import accuracy_model
from energy_sweep.search.acquisition.accuracy_model import (
    AnswerCounts,
    believe,
    fitted_on,
)
from energy_sweep.search.acquisition.usual import RISE

IMAGES = 1000.0


def answers(count: int) -> AnswerCounts:
    rng = np.random.default_rng(count)
    features = rng.random((count, 3))
    truth = 0.95 - 0.3 * (features[:, 0] - 0.4) ** 2 - 0.05 * features[:, 1]
    correct = rng.binomial(int(IMAGES), truth).astype(float)
    return AnswerCounts(features, correct, np.full(count, IMAGES))


def test_slopes_are_those_of_the_likelihood() -> None:
    given = answers(20)
    squares = (given.features[:, None, :] - given.features[None, :, :]) ** 2
    usual = np.array([[0.0, 0.7], [-2.3, 0.7], *[[0.0, 0.8]] * 3])
    told = (squares, given.logits - 2.5, given.variances, usual)
    logs = usual[:, 0] + np.array([0.3, -0.2, 0.1, 0.4, -0.5])
    _, slopes = accuracy_model._unlikely(logs, *told)  # pyright: ignore[reportPrivateUsage]
    for at, slope in enumerate(slopes):
        step = np.zeros(5)
        step[at] = 1e-5
        up, down = (
            accuracy_model._unlikely(one, *told)[0]  # pyright: ignore[reportPrivateUsage]
            for one in (logs + step, logs - step)
        )
        assert slope == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_a_resumed_search_believes_the_same(count: int) -> None:
    given, asked = answers(count), np.random.default_rng(1).random((30, 3))
    first = believe(given, asked)
    accuracy_model.forget()
    np.testing.assert_array_equal(first, believe(given, asked))
    assert np.isfinite(first).all() and (first[1] > 0).all()


def test_what_was_measured_is_nearly_known_and_the_rest_is_near_the_truth() -> None:
    given = answers(60)
    measured = np.arange(60, dtype=np.intp)
    mean, sd = believe(given, given.features, measured)
    share = given.correct / given.images
    assert np.abs(mean - share).max() < 0.03
    assert sd.max() < np.sqrt(0.25 / IMAGES)
    fresh = np.random.default_rng(2).random((200, 3))
    truth = 0.95 - 0.3 * (fresh[:, 0] - 0.4) ** 2 - 0.05 * fresh[:, 1]
    mean, sd = believe(given, fresh)
    assert np.abs(mean - truth).mean() < 0.006
    assert np.mean(np.abs(mean - truth) < 2 * sd) > 0.9


def test_what_diverged_does_not_lead_others_astray() -> None:
    given = answers(30)
    broken = AnswerCounts(
        np.vstack([given.features, [[1.0, 1.0, 1.0]]]),
        np.append(given.correct, 1.0),
        np.full(31, IMAGES),
    )
    asked = given.features[:10] * 0.9
    assert np.abs(believe(given, asked)[0] - believe(broken, asked)[0]).max() < 0.02


def test_accuracy_is_expected_to_rise_where_that_is_said() -> None:
    """Over an axis that nothing was measured along."""
    features = np.array([[0.1, 0.5, 0.0], [0.5, 0.5, 0.0], [0.9, 0.5, 0.0]])
    correct = np.array([800.0, 850.0, 820.0])
    given = AnswerCounts(features, correct, np.full(3, IMAGES), RISE * features[:, 2])
    asked = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5], [0.5, 0.5, 1.0]])
    mean, sd = believe(given, asked, None, RISE * asked[:, 2])
    assert (np.diff(mean) > 0).all() and (np.diff(sd) > 0).all()


def test_what_an_earlier_study_found_is_expected_until_answers_say_otherwise() -> None:
    given, asked = answers(3), np.random.default_rng(3).random((100, 3))

    def expected(features: np.ndarray) -> np.ndarray:
        truth = 0.95 - 0.3 * (features[:, 0] - 0.4) ** 2 - 0.05 * features[:, 1]
        return np.log(truth / (1 - truth)) - 1.0  # by a constant off

    truth = 1 / (1 + np.exp(-expected(asked) - 1.0))
    told = AnswerCounts(given.features, given.correct, given.images, expected(given.features))
    blind = np.abs(believe(given, asked)[0] - truth).mean()
    knowing = np.abs(believe(told, asked, None, expected(asked))[0] - truth).mean()
    assert knowing < 0.7 * blind


def test_settings_are_found_on_more_answers_by_ratio() -> None:
    found = [fitted_on(count) for count in range(1, 3000)]
    assert found == sorted(found)
    assert len(set(found)) < 16
    assert max(found) <= accuracy_model.MOST_FITTED


def test_of_very_many_answers_some_tell_of_others_and_each_of_itself() -> None:
    given = answers(120)
    measured = np.arange(120, dtype=np.intp)
    whole = believe(given, given.features, measured)
    part = believe(given, given.features, measured, told=measured[::2])
    assert np.abs(part[0] - whole[0]).max() < 0.02
    assert (part[1] < np.sqrt(0.25 / IMAGES)).all()
    assert (part[1] > 0.5 * whole[1]).all()

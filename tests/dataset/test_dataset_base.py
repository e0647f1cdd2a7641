"""Splits follow the content alone, and resizing is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_sweep.dataset.base import DataSource, Preprocessing, assemble, package_file
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.resize import resize
from energy_sweep.dataset.split import split_by_content
from energy_sweep.record import BadInput

CUT = Preprocessing(resolution=None, shift=0, validation=0.2, test=0.2)


def some_images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)


def contents(split) -> list[bytes]:
    return [image.tobytes() for image in split.images]


@settings(max_examples=40, deadline=None)
@given(
    picks=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2)), max_size=60),
    seed=st.integers(0, 1000),
    validation=st.floats(0.05, 0.45),
    test=st.floats(0.05, 0.45),
)
def test_equal_images_share_a_side_and_the_input_order_does_not_matter(
    picks, seed, validation, test
):
    pool = some_images(12)
    own = [(4 * label + k, label) for label in range(3) for k in range(4)]
    picks = own + picks
    images = np.stack([pool[index] for index, _ in picks])
    labels = np.array([label for _, label in picks])
    splits = split_by_content(images, labels, validation=validation, test=test)
    assert sum(len(split) for split in splits.values()) == len(picks)
    sides = [set(contents(split)) for split in splits.values()]
    assert all(sides)
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    order = np.random.default_rng(seed).permutation(len(picks))
    again = split_by_content(images[order], labels[order], validation=validation, test=test)
    for side, split in splits.items():
        assert np.array_equal(split.images, again[side].images)
        assert np.array_equal(split.labels, again[side].labels)


def test_each_class_is_cut_in_the_shares_asked():
    labels = np.repeat([0, 1], [100, 50])
    splits = split_by_content(some_images(150), labels, validation=0.2, test=0.1)
    assert np.bincount(splits["test"].labels).tolist() == [10, 5]
    assert np.bincount(splits["validation"].labels).tolist() == [20, 10]
    assert np.bincount(splits["train"].labels).tolist() == [70, 35]


def test_three_images_go_to_three_sides_even_with_greedy_shares_and_copies():
    images = some_images(3)[[0, 0, 0, 0, 1, 2]]
    splits = split_by_content(images, np.zeros(6, np.int64), validation=0.45, test=0.45)
    assert all(len(set(contents(split))) == 1 for split in splits.values())


def test_a_class_too_small_or_empty_is_refused_in_one_line():
    images = some_images(3)[[0, 0, 1]]
    with pytest.raises(BadInput, match="class 0 has 2 different images") as error:
        split_by_content(images, np.zeros(3, np.int64), validation=0.2, test=0.2)
    assert "\n" not in str(error.value)
    with pytest.raises(BadInput, match="class cat has no images"):
        assemble("pets", some_images(9), np.zeros(9, np.int64), classes=("dog", "cat"), cut=CUT)


def test_any_leading_part_of_a_split_is_a_fair_sample():
    labels = np.repeat(np.arange(5), 200)
    train = split_by_content(some_images(1000), labels, validation=0.2, test=0.2)["train"]
    assert np.bincount(train.labels[:100], minlength=5).min() >= 8


def test_shrinking_takes_the_mean_of_the_area():
    image = np.array([[0, 2, 10, 20], [4, 6, 30, 41]] * 2, np.uint8)[None, None]
    assert resize(image, 2).tolist() == [[[[3, 25], [3, 25]]]]
    thirds = np.array([[0, 90, 200]] * 3, np.uint8)[None, None]
    assert resize(thirds, 2)[0, 0, 0].tolist() == [30, 163]


def test_enlarging_is_bilinear_with_held_edges():
    image = np.array([[0, 100]] * 2, np.uint8)[None, None]
    assert resize(image, 4)[0, 0, 0].tolist() == [0, 25, 75, 100]


@settings(max_examples=30, deadline=None)
@given(value=st.integers(0, 255), old=st.integers(1, 9), new=st.integers(1, 9))
def test_a_flat_image_stays_flat(value, old, new):
    image = np.full((1, 2, old, old), value, np.uint8)
    assert np.array_equal(resize(image, new), np.full((1, 2, new, new), value))


def test_the_fingerprint_follows_content_and_cut():
    images, labels = some_images(30), np.repeat([0, 1], 15)
    classes = ("a", "b")
    name = assemble("x", images, labels, classes=classes, cut=CUT).fingerprint
    again = assemble("x", images[::-1], labels[::-1], classes=classes, cut=CUT)
    assert again.fingerprint == name
    other = images.copy()
    other[3, 0, 0, 0] ^= 1
    assert assemble("x", other, labels, classes=classes, cut=CUT).fingerprint != name
    smaller = Preprocessing(resolution=2, shift=0, validation=0.2, test=0.2)
    assert assemble("x", images, labels, classes=classes, cut=smaller).fingerprint != name


def test_moments_are_those_of_the_train_split():
    data = assemble("x", some_images(40), np.repeat([0, 1], 20), classes=("a", "b"), cut=CUT)
    assert data.mean[0] == pytest.approx(data.train.images.mean())
    assert data.std[0] == pytest.approx(data.train.images.std())


@pytest.mark.parametrize(
    "settings",
    [
        {"resolution": 0},
        {"shift": -1},
        {"validation": 0.0},
        {"test": 1.0},
        {"validation": 0.6, "test": 0.6},
        {"shift": 8},
    ],
)
def test_impossible_cuts_are_refused_in_one_line(settings):
    with pytest.raises(BadInput, match=r"type .*dataset\.") as error:
        Digits(**settings).load()
    assert "\n" not in str(error.value)


def test_a_source_is_a_source_and_a_missing_package_is_none():
    assert isinstance(Digits(), DataSource)
    assert package_file("no_such_package_at_all", "x") is None

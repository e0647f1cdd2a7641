"""What a data set says of itself is what was written, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from on_disk import some_images, write_tree

from energy_sweep.dataset.base import Preprocessing, assemble
from energy_sweep.dataset.folder import Folder
from energy_sweep.dataset.summary import Found, Summary
from energy_sweep.record.serialize import from_json, to_json

CUT = Preprocessing(resolution=None, shift=0, validation=0.2, test=0.2)


def test_what_the_source_does_not_say_is_counted():
    labels = np.repeat([0, 1], [70, 30])
    images = some_images(100, 1, 6, 4)
    cut = Preprocessing(resolution=5, shift=0, validation=0.2, test=0.2, fraction=0.5)
    said = assemble("x", images, labels, classes=("a", "b"), cut=cut).summary
    assert said.counts == {"train": (21, 9), "validation": (14, 6), "test": (14, 6)}
    assert (said.totals, said.used, said.found.images) == ((49, 21), 70, 100)
    assert said.found.sizes == {"4 x 6": 100} and said.found.modes == {"L": 100}
    assert said.shape == (1, 5, 5)
    assert said.found.notes == ("dataset.fraction=0.5 keeps 30 of 60 training images",)


def test_imbalance_names_the_classes_and_what_a_constant_answer_scores():
    labels = np.repeat([0, 1, 2], [90, 30, 20])
    data = assemble("x", some_images(140, 1, 4, 4), labels, classes=("a", "b", "c"), cut=CUT)
    assert data.summary.imbalance == ("a", 90, "c", 20, 18 / 28)
    even = assemble("x", some_images(30, 1, 4, 4), np.arange(30) % 2, classes=("a", "b"), cut=CUT)
    assert even.summary.imbalance is None


def test_a_cached_load_says_the_same(tmp_path):
    write_tree(tmp_path / "pets")
    source = Folder(root=str(tmp_path / "pets"), fraction=0.5)
    first, again = source.load().summary, source.load().summary
    assert first == again and first.found.notes
    assert from_json(Summary, to_json(first)) == first


def test_notes_name_no_data():
    labels, images = np.arange(30) % 2, some_images(30, 1, 4, 4)
    told = Found(source="somewhere", images=33, notes=("3 are gone",))
    plain = assemble("x", images, labels, classes=("a", "b"), cut=CUT)
    noted = assemble("x", images, labels, classes=("a", "b"), cut=CUT, found=told)
    assert noted.fingerprint == plain.fingerprint
    assert noted.summary.found.images == 33 and noted.summary.used == 30
    assert noted.summary.document()["used"] == pytest.approx(30)

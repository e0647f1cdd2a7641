"""Labels of every form that people have: the class of each image, and what classes are called.

The outcome of each input was written down before the code ran.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from arrays_of_mine import COUNT, GREY, THREE, load, pictures

from energy_sweep.record import BadInput

WORDS = np.array(["cat", "dog", "ape"])
ONE_HOT = np.eye(3)[THREE]
NUMBERS = ("0", "1", "2")
# name: (labels, names or None, the name of each image's class, the classes in order)
TAKEN: dict[str, tuple[Any, Any, Any, tuple[str, ...]]] = {
    "int64": (THREE, None, THREE, NUMBERS),
    "a list": (THREE.tolist(), None, THREE, NUMBERS),
    "uint8": (THREE.astype(np.uint8), None, THREE, NUMBERS),
    "big-endian int16": (THREE.astype(">i2"), None, THREE, NUMBERS),
    "uint64": (THREE.astype(np.uint64), None, THREE, NUMBERS),
    "a column": (THREE[:, None], None, THREE, NUMBERS),
    "a column of floats": (THREE[:, None] / 1, None, THREE, NUMBERS),
    "float32": (THREE.astype(np.float32), None, THREE, NUMBERS),
    "bool": (THREE == 2, None, np.where(THREE == 2, "True", "False"), ("False", "True")),
    "bool with names": (
        THREE == 2,
        ["ill", "well"],
        np.array(["ill", "ill", "well"])[THREE],
        ("ill", "well"),
    ),
    "objects that are whole": (THREE.astype(object), None, THREE, NUMBERS),
    "text": (WORDS[THREE], None, WORDS[THREE], ("ape", "cat", "dog")),
    "objects that are text": (
        WORDS[THREE].astype(object),
        None,
        WORDS[THREE],
        ("ape", "cat", "dog"),
    ),
    "bytes of text": (WORDS[THREE].astype("S"), None, WORDS[THREE], ("ape", "cat", "dog")),
    "text in an order of one's own": (
        WORDS[THREE],
        ["dog", "cat", "ape"],
        WORDS[THREE],
        ("dog", "cat", "ape"),
    ),
    "one-hot": (ONE_HOT, None, THREE, NUMBERS),
    "one-hot of int": (
        ONE_HOT.astype(np.int32),
        ["a", "b", "c"],
        np.array(["a", "b", "c"])[THREE],
        ("a", "b", "c"),
    ),
    "one-hot of bool": (ONE_HOT.astype(bool), None, THREE, NUMBERS),
    "from 1": (THREE + 1, None, THREE + 1, ("1", "2", "3")),
    "with gaps": (np.array([2, 10, 7])[THREE], None, np.array([2, 10, 7])[THREE], ("2", "7", "10")),
    "with names": (THREE, list(WORDS), WORDS[THREE], ("cat", "dog", "ape")),
    "backwards": (np.ascontiguousarray(THREE[::-1])[::-1], None, THREE, NUMBERS),
}


@pytest.mark.parametrize("name", TAKEN)
def test_every_image_has_the_class_that_its_label_says(name: str) -> None:
    labels, names, wanted, classes = TAKEN[name]
    data = load(GREY, labels, names=names)
    assert data.classes == classes
    assert pictures(data) == {
        image.tobytes(): str(label) for image, label in zip(GREY, wanted, strict=True)
    }


def changed(labels: Any, index: int, value: Any) -> Any:
    other = np.array(labels)
    other[index] = value
    return other


MISSING = THREE.astype(object)
MISSING[3] = None
MIXED = THREE.astype(object)
MIXED[3] = "cat"
# name: (labels, names or None, what the one line says)
REFUSED: dict[str, tuple[Any, Any, str]] = {
    "too few": (THREE[:7], None, r"labels are int64 of shape \(7,\) for 24 images"),
    "a row": (THREE[None], None, r"of shape \(1, 24\) for 24 images"),
    "fractions": (THREE + 0.5, None, r"labels are float64, such as 0\.5"),
    "NaN": (changed(THREE / 1, 4, np.nan), None, "labels are float64, such as nan"),
    "none at all": (MISSING, None, "labels are objects, such as None"),
    "words and numbers": (MIXED, None, "labels are objects, such as cat"),
    "complex": (THREE + 0j, None, "labels are complex128"),
    "-1 for unknown": (changed(THREE, 4, -1), None, r"-1 .*labels >= 0"),
    "two ones": (changed(ONE_HOT, 4, [1, 0, 1]), None, "several labels an image"),
    "no one": (changed(ONE_HOT, 4, [0, 0, 0]), None, "several labels an image"),
    "scores": (ONE_HOT * 0.8 + 0.1, None, r"labels\.argmax\(axis=1\)"),
    "one class": (THREE * 0, None, "all labels are 0"),
    "one word": (np.full(COUNT, "cat"), None, "all labels are cat"),
    "too few names": (THREE, ["a", "b"], "2 different names of classes for 3 labels"),
    "a name twice": (THREE, ["a", "b", "b"], "2 different names of classes for 3 labels"),
    "names for labels from 1": (THREE + 1, ["a", "b", "c"], r"labels are 1 to 3.*labels - 1"),
    "a name nobody has": (THREE, ["a", "b", "c", "d"], "4 different names of classes for 3"),
    "other words": (WORDS[THREE], ["cat", "dog", "cow"], "label ape is none of the classes"),
    "an image a class": (np.arange(COUNT), None, "class 0 has 1 different images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_says_no_class_is_refused_with_the_cure(name: str) -> None:
    labels, names, words = REFUSED[name]
    with pytest.raises(BadInput) as error:
        load(GREY, labels, names=names)
    line = str(error.value)
    assert re.search(words, line) and "\n" not in line and len(line) < 300, line


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (WORDS[THREE], ()),
        (THREE / 1, ("labels of float64 are taken as whole numbers",)),
        (ONE_HOT, ("labels are one-hot: the place of the 1 is the class",)),
        (THREE + 1, ("labels are 1 to 3, not 0 to 2: classes are called so",)),
    ],
)
def test_what_was_made_of_labels_is_said(labels: Any, words: tuple[str, ...]) -> None:
    assert load(GREY, labels).summary.found.notes == words

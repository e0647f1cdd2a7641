"""One's own arrays: read from a file or from a function, and refused in one line where unfit."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from on_disk import some_images

from energy_sweep.dataset.arrays import Arrays
from energy_sweep.record import BadInput

IMAGES, LABELS = some_images(30, 8, 6), np.arange(30) % 3


def saved(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def refusal(source: Arrays) -> str:
    with pytest.raises(BadInput) as error:
        source.load()
    assert "\n" not in str(error.value)
    return str(error.value)


def pixels(data) -> set[bytes]:
    sides = (data.train, data.validation, data.test)
    return {image.tobytes() for side in sides for image in side.images}


def factory(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    """A package of the user's with a function `mydata`."""
    (folder / "mypackage.py").write_text(f"import numpy as np\ndef mydata():\n    {body}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "mypackage", raising=False)


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (IMAGES, (1, 8, 6)),
        (IMAGES[:, None], (1, 8, 6)),
        (IMAGES[..., None], (1, 8, 6)),
        (some_images(30, 3, 8, 6), (3, 8, 6)),
        (some_images(30, 8, 6, 3), (3, 8, 6)),
    ],
)
def test_channels_are_found_where_they_are(tmp_path, images, shape):
    file = saved(tmp_path / "my.npz", images=images, labels=LABELS, classes=["a", "b", "c"])
    data = Arrays(file=file, shift=1, flip=True).load()
    assert data.shape == shape and data.classes == ("a", "b", "c")
    assert (data.shift, data.flip) == (1, True)
    first = images.transpose(0, 3, 1, 2) if images.shape[-1] in (1, 3) else images
    expected = first.reshape(30, *shape)
    assert pixels(data) == {image.tobytes() for image in expected}
    assert [len(part) for part in (data.train, data.validation, data.test)] == [18, 6, 6]


def test_a_function_and_a_file_of_the_same_arrays_are_the_same_data(tmp_path, monkeypatch):
    body = "return np.arange(960, dtype=np.uint8).reshape(20, 8, 6), [[n % 2] for n in range(20)]"
    factory(monkeypatch, tmp_path, body)
    made = Arrays(factory="mypackage:mydata").load()
    images = np.arange(960, dtype=np.uint8).reshape(20, 8, 6)
    file = saved(tmp_path / "my.npz", images=images, labels=np.arange(20) % 2)
    assert made.fingerprint == Arrays(file=file).load().fingerprint
    assert made.classes == ("0", "1")
    assert Arrays(factory="mypackage:mydata").imports == {"factory": "mypackage"}
    assert Arrays(file=file).imports == {}


def test_tensors_are_arrays_too(tmp_path, monkeypatch):
    factory(monkeypatch, tmp_path, "import torch; return torch.zeros(6, 4, 4).byte(), [0, 1] * 3")
    assert "class 0 has 1 different images" in refusal(Arrays(factory="mypackage:mydata"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.full((30, 4, 4), np.nan)}, "images hold NaN or infinity"),
        ({"images": IMAGES[0]}, r"images have shape \(8, 6\): give \[N, H, W\]"),
        ({"images": some_images(30, 8, 6, 2)}, "has no channels"),
        ({"images": some_images(30, 3, 8, 3)}, "can be read in two ways"),
        ({"images": IMAGES[:, :0]}, "which is empty"),
        ({"labels": LABELS[:7]}, r"labels are int64 of shape \(7,\) for 30 images"),
        ({"labels": LABELS / 2}, "labels are float64, such as 0.5"),
        ({"labels": LABELS - 1}, "labels are below 0, such as -1"),
        ({"labels": LABELS * 0}, "all labels are 0"),
        ({"classes": ["a", "b"]}, "2 different names of classes for 3 labels"),
        ({"classes": ["a", "b", "b"]}, "2 different names of classes for 3 labels"),
        ({"images": np.array([None] * 30, object)}, "holds objects, which are never unpickled"),
        ({"labels": None}, "has no labels: write it with numpy.savez"),
    ],
)
def test_unfit_arrays_are_refused_in_one_line(tmp_path, changes, words):
    arrays = {"images": IMAGES, "labels": LABELS, **changes}
    kept = {name: array for name, array in arrays.items() if array is not None}
    line = refusal(Arrays(file=saved(tmp_path / "my.npz", **kept)))
    assert re.search(words, line) and line.startswith("dataset.file=")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "return images, labels or images, labels, classes"),
        ("return 1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("return [np.zeros((2, 2)), np.zeros(3)], [0, 1]", "images are no array"),
        ("syntax error", "cannot be imported: SyntaxError"),
    ],
)
def test_a_function_that_fails_is_said_in_one_line(tmp_path, monkeypatch, body, words):
    factory(monkeypatch, tmp_path, body)
    assert words in refusal(Arrays(factory="mypackage:mydata"))


def test_what_to_type_where_nothing_is_named_or_found(tmp_path):
    assert "needs one of two: type dataset.file=" in refusal(Arrays())
    assert "needs one of two" in refusal(Arrays(file="x.npz", factory="a:b"))
    assert "there is no such file" in refusal(Arrays(file=str(tmp_path / "none.npz")))
    assert "cannot be imported" in refusal(Arrays(factory="no_such_package_at_all:f"))
    for wrong in ("mypackage", ":f", "mypackage:", "mypackage:f()"):
        with pytest.raises(BadInput, match=r"type dataset\.factory=PACKAGE\.MODULE:FUNCTION"):
            Arrays(factory=wrong)

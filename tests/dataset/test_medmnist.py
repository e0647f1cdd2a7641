"""MedMNIST files as published: official splits kept, anything else refused in one line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from on_disk import some_images, write_medmnist

from energy_sweep.dataset.medmnist import SIDES, SUBSETS, MedMnist
from energy_sweep.record import BadInput


def refusal(source: MedMnist) -> str:
    with pytest.raises(BadInput) as error:
        source.load()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_official_splits_are_kept(tmp_path):
    path = write_medmnist(tmp_path / "bloodmnist.npz")
    data = MedMnist(root=str(tmp_path)).load()
    assert data.shape == (3, 28, 28) and len(data.classes) == 8
    with np.load(path) as archive:
        for side, split in (("train", data.train), ("val", data.validation), ("test", data.test)):
            images = archive[f"{side}_images"].transpose(0, 3, 1, 2)
            theirs = zip(images, archive[f"{side}_labels"][:, 0].tolist(), strict=True)
            ours = zip(split.images, split.labels.tolist(), strict=True)
            assert {(i.tobytes(), t) for i, t in ours} == {(i.tobytes(), t) for i, t in theirs}


@pytest.mark.parametrize("subset", SUBSETS)
def test_every_subset_is_what_the_package_itself_reads(tmp_path, subset):
    package = pytest.importorskip("medmnist")
    channels, classes = package.INFO[subset]["n_channels"], len(package.INFO[subset]["label"])
    shape = (28, 28, 3) if channels == 3 else (28, 28)
    changes = {}
    for side in SIDES:
        changes[f"{side}_images"] = some_images(2 * classes, *shape, seed=len(side))
        changes[f"{side}_labels"] = (np.arange(2 * classes) % classes).astype(np.uint8)[:, None]
    write_medmnist(tmp_path / f"{subset}.npz", **changes)
    data = MedMnist(subset=subset, root=str(tmp_path)).load()
    assert data.shape == (channels, 28, 28) and len(data.classes) == classes
    kind = getattr(package, package.INFO[subset]["python_class"])
    for side, split in zip(SIDES, (data.train, data.validation, data.test), strict=True):
        theirs = kind(split=side, root=str(tmp_path))
        pixels = theirs.imgs if channels == 3 else theirs.imgs[..., None]
        expected = zip(pixels.transpose(0, 3, 1, 2), theirs.labels[:, 0].tolist(), strict=True)
        ours = zip(split.images, split.labels.tolist(), strict=True)
        assert {(i.tobytes(), t) for i, t in ours} == {(i.tobytes(), t) for i, t in expected}


def test_grey_images_and_the_axes(tmp_path):
    grey = {f"{side}_images": some_images(count, 28, 28) for side, count in COUNTS.items()}
    labels = {
        f"{side}_labels": (np.arange(count) % 2).astype(np.uint8) for side, count in COUNTS.items()
    }
    write_medmnist(tmp_path / "pneumoniamnist.npz", **grey, **labels)
    data = MedMnist(subset="pneumoniamnist", root=str(tmp_path), resolution=7, fraction=0.5).load()
    assert data.shape == (1, 7, 7) and data.classes == ("normal", "pneumonia")
    assert np.bincount(data.train.labels).tolist() == [20, 20] and len(data.validation) == 24


COUNTS = {"train": 80, "val": 24, "test": 32}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"val_images": None}, "has no val_images"),
        ({"test_labels": np.zeros((3, 1), np.uint8)}, r"shape \(3, 1\) for 32 images"),
        ({"test_labels": np.zeros((32, 14), np.uint8)}, "one whole number each"),
        ({"test_labels": np.full((32, 1), 9, np.uint8)}, "test_labels other than 0 to 7"),
        ({"train_labels": np.zeros((80, 1), np.float32)}, "float32"),
        ({"train_images": np.zeros((80, 28, 28, 28), np.uint8)}, "not bytes of"),
        ({"train_images": np.zeros((80, 28, 28), np.float32)}, "not bytes of"),
        ({"train_images": np.array([{}] * 80, object)}, "cannot be read .*allow_pickle=False"),
        ({"train_labels": np.zeros((80, 1), np.uint8)}, "class eosinophil has no images"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, changes, words):
    write_medmnist(tmp_path / "bloodmnist.npz", **changes)
    assert re.search(words, refusal(MedMnist(root=str(tmp_path))))


def flipped(path: Path) -> None:
    """One byte of the compressed images changed, as a bad disk or cable does."""
    content = bytearray(path.read_bytes())
    content[3000] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(b"<html>404</html>"),
        lambda path: np.save(path.open("wb"), np.zeros(3)),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, damage: Callable[[Path], object]):
    path = write_medmnist(tmp_path / "bloodmnist.npz")
    damage(path)
    assert f"{path} cannot be read" in refusal(MedMnist(root=str(tmp_path)))


def test_a_missing_file_says_where_to_get_it(tmp_path, monkeypatch):
    line = refusal(MedMnist(root=str(tmp_path)))
    assert "type dataset.download=true, or put bloodmnist.npz of https://medmnist.com" in line
    monkeypatch.setitem(sys.modules, "medmnist", None)  # as where it is not installed
    line = refusal(MedMnist(root=str(tmp_path), download=True))
    assert "pip install 'energy_sweep[medmnist]'" in line


PACKAGE = """
import shutil
class BloodMNIST:
    def __init__(self, split, download, root):
        shutil.copy({served!r}, root)
class BreastMNIST:
    def __init__(self, **_):
        raise RuntimeError("Something went wrong\\nwhen downloading!")
"""


def test_a_download_is_the_packages(tmp_path, monkeypatch):
    served = write_medmnist(tmp_path / "served" / "bloodmnist.npz")
    (tmp_path / "medmnist.py").write_text(PACKAGE.format(served=str(served)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "medmnist", raising=False)
    root = str(tmp_path / "new")
    assert len(MedMnist(root=root, download=True).load().test) == 32
    assert "download failed" in refusal(MedMnist(root=root, download=True, subset="breastmnist"))
    sys.modules.pop("medmnist")


@pytest.mark.parametrize(
    ("subset", "why"),
    [("chestmnist", "several labels"), ("organmnist3d", "volumes"), ("mnist", "not known")],
)
def test_other_subsets_are_refused(subset, why):
    line = refusal(MedMnist(subset=subset))
    assert why in line and "type one of pathmnist" in line


def test_the_subsets_are_the_packages_own():
    info = pytest.importorskip("medmnist").INFO
    single = {n for n, i in info.items() if "multi-label" not in i["task"] and "3d" not in n}
    assert single == set(SUBSETS)
    for name, (kind, classes) in SUBSETS.items():
        assert (kind, len(classes)) == (info[name]["python_class"], len(info[name]["label"]))

"""Ten data sets of known counts, in their true formats: what is printed equals the truth.

The truth of each was written down as its files are made, before the code ran.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from on_disk import save, scene, some_images, write_cifar, write_medmnist, write_mnist
from PIL import Image
from torchvision import datasets

from energy_sweep.app.sweep.dataset_text import data_text
from energy_sweep.dataset.arrays import Arrays
from energy_sweep.dataset.base import DataSource
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.dataset.medmnist import SUBSETS, MedMnist
from energy_sweep.dataset.vision import Vision

Counts = tuple[int, int, int]
ROW = re.compile(r"  (?P<name>.+?)  +(?P<train>[\d,]+) +(?P<validation>[\d,]+) +(?P<test>[\d,]+)")


class Truth(NamedTuple):
    """What must be printed: images found and used, each class by side, sizes, modes, notes."""

    first: str
    found: int
    classes: int
    rows: dict[str, Counts]
    sizes: dict[str, int]
    modes: dict[str, int]
    notes: tuple[str, ...] = ()


def scenes(root: Path, places: dict[str, int], side: int = 24, channels: int = 3) -> None:
    """So many pictures in each folder, no two alike."""
    start = 0
    for place, count in places.items():
        for n in range(count):
            save(root / place / f"{n}.png", scene(start + n, side, channels))
        start += count


def one_tree(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """30 cats and 10 dogs in two sizes and three modes; a fifth each validates and tests."""
    scenes(root, {"cat": 30, "dog": 8})
    save(root / "dog/grey.png", scene(90, 24, 1))
    tall = Image.fromarray(scene(91, 24)).resize((12, 24)).convert("RGBA")
    tall.save(root / "dog/tall.png")
    rows = {"cat": (18, 6, 6), "dog": (6, 2, 2), "all": (24, 8, 8)}
    return Folder(root=str(root), resolution=12), Truth(
        f"data: folder from {root}",
        40,
        2,
        rows,
        {"24 x 24": 39, "12 x 24": 1},
        {"RGB": 38, "L": 1, "RGBA": 1},
        (
            "see-through, laid over white: 1 file",
            "imbalanced: 30 images of cat, 10 of dog; to answer "
            "cat to every image has accuracy .750",
        ),
    )


def published_sides(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """Training 20 and 10, Testing 6 and 5; two training files are copies of test files."""
    places = {"Training/a": 18, "Training/b": 10, "Testing/a": 6, "Testing/b": 5}
    scenes(root, places, channels=1)
    for n in (0, 1):
        (root / f"Training/a/copy{n}.png").write_bytes((root / f"Testing/a/{n}.png").read_bytes())
    rows = {"a": (14, 4, 6), "b": (8, 2, 5), "all": (22, 6, 11)}
    return Folder(root=str(root)), Truth(
        f"data: folder from {root}",
        41,
        2,
        rows,
        {"24 x 24": 41},
        {"L": 41},
        (
            "2 files are equal to others",
            "2 training images are copies of test images and are left out",
            "sides as published: test from Testing/, train from Training/; validation is cut from",
        ),
    )


def brain_tumor(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """The published names in their older spelling, grey scans saved in colour."""
    kinds = ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor")
    places = {f"Training/{kind}": 10 for kind in kinds} | {f"Testing/{kind}": 4 for kind in kinds}
    scenes(root, places)
    names = ("glioma", "meningioma", "notumor", "pituitary")
    rows = {name: (8, 2, 4) for name in names} | {"all": (32, 8, 16)}
    return BrainTumor(root=str(root), resolution=None), Truth(
        f"data: brain_tumor from {root}",
        56,
        4,
        rows,
        {"24 x 24": 56},
        {"RGB": 56},
        ("colour made grey: 56 files", "sides as published: test from Testing/"),
    )


def mnist(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """40 and 20 images in idx files; a quarter of each class's 4 validates."""
    write_mnist(patch, root)
    names = [f"{n}" for n in range(10)]
    rows = {name: (3, 1, 2) for name in names} | {"all": (30, 10, 20)}
    return Vision(name="mnist", root=str(root), validation=0.25), Truth(
        f"data: mnist from {root}/MNIST/raw", 60, 10, rows, {"28 x 28": 60}, {"L": 60}
    )


def cifar10(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """Five batches of 40 and one to test; a tenth validates, half of what is left is used."""
    write_cifar(patch, root)
    rows = {f"class {n}": (9, 2, 4) for n in range(10)} | {"all": (90, 20, 40)}
    return Vision(name="cifar10", root=str(root), fraction=0.5), Truth(
        f"data: cifar10 from {root}/cifar-10-batches-py",
        240,
        10,
        rows,
        {"32 x 32": 240},
        {"RGB": 240},
        ("dataset.fraction=0.5 keeps 90 of 180 training images",),
    )


def cifar100(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """300 and 300 images: of the 3 of each class one validates. All classes fold into a line."""
    write_cifar(patch, root, datasets.CIFAR100)
    rows = {"each class": (2, 1, 3), "all": (200, 100, 300)}
    return Vision(name="cifar100", root=str(root)), Truth(
        f"data: cifar100 from {root}/cifar-100-python",
        600,
        100,
        rows,
        {"32 x 32": 600},
        {"RGB": 600},
    )


def medmnist(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """80, 24 and 32 images of 8 classes with their official sides."""
    path = write_medmnist(root / "bloodmnist.npz")
    _, names = SUBSETS["bloodmnist"]
    rows = {name: (10, 3, 4) for name in names} | {"all": (80, 24, 32)}
    return MedMnist(root=str(root)), Truth(
        f"data: medmnist bloodmnist from {path}", 136, 8, rows, {"28 x 28": 136}, {"RGB": 136}
    )


def grey_medmnist(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """Grey images without a channel; 50, 10 and 10, most of them of the second class."""
    sides = {}
    for side, (first, second) in {"train": (10, 40), "val": (2, 8), "test": (5, 5)}.items():
        sides[f"{side}_images"] = some_images(first + second, 28, 28, seed=second)
        sides[f"{side}_labels"] = np.repeat(np.array([0, 1], np.uint8), [first, second])[:, None]
    path = write_medmnist(root / "pneumoniamnist.npz", **sides)
    rows = {"normal": (10, 2, 5), "pneumonia": (40, 8, 5), "all": (50, 10, 10)}
    return MedMnist(root=str(root), subset="pneumoniamnist"), Truth(
        f"data: medmnist pneumoniamnist from {path}",
        70,
        2,
        rows,
        {"28 x 28": 70},
        {"L": 70},
        (
            "imbalanced: 53 images of pneumonia, 17 of normal; to answer pneumonia to every image "
            "has accuracy .800",
        ),
    )


def own_arrays(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """20 of each of 14 classes but 60 of one, real numbers of 0 to 1 with channels last."""
    labels = np.concatenate([np.repeat(np.arange(14), 20), np.full(40, 13)])
    images = np.float32(some_images(320, 7, 9, 3) / 255)
    np.savez(root / "mine.npz", images=images, labels=labels)
    rows = {
        "13": (36, 12, 12),
        "0": (12, 4, 4),
        "1": (12, 4, 4),
        "10": (12, 4, 4),
        "11": (12, 4, 4),
        "12": (12, 4, 4),
        "all": (192, 64, 64),
    }
    return Arrays(file=str(root / "mine.npz")), Truth(
        f"data: arrays from {root}/mine.npz",
        320,
        14,
        rows,
        {"9 x 7": 320},
        {"float32 [N, H, W, C]": 320},
        (
            "float32 images: 0 becomes 0 and 1 becomes 255",
            "imbalanced: 60 images of 13, 20 of 0; to answer 13 to every image has accuracy .188",
        ),
    )


def digits(root: Path, patch: pytest.MonkeyPatch) -> tuple[DataSource, Truth]:
    """scikit-learn's file as published: how many of each digit is in its own documentation."""
    wanted = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
    parts = [(n - 2 * round(n / 4), round(n / 4), round(n / 4)) for n in wanted]
    rows = {str(digit): part for digit, part in enumerate(parts)} | {"all": (897, 450, 450)}
    return Digits(), Truth(
        "data: digits from scikit-learn", 1797, 10, rows, {"8 x 8": 1797}, {"L": 1797}
    )


SETS: tuple[Callable[..., Any], ...] = (
    *(one_tree, published_sides, brain_tumor, mnist, cifar10, cifar100),
    *(medmnist, grey_medmnist, own_arrays, digits),
)


def counted(line: str) -> dict[str, int]:
    """`24 x 24 (39), 12 x 24 (1)` as numbers."""
    return {
        name: int(n.replace(",", "")) for name, n in re.findall(r"(\S.*?) \(([\d,]+)\),? ?", line)
    }


@pytest.mark.parametrize("make", SETS, ids=lambda make: make.__name__)
def test_what_is_printed_equals_the_truth(make, tmp_path, monkeypatch):
    source, truth = make(tmp_path, monkeypatch)
    text = data_text(source.load().summary)
    lines = re.sub(r"\n    ", " ", text).splitlines()  # what was folded to fit, in one line again
    assert lines[0] == truth.first
    rows = {row["name"]: row for row in map(ROW.fullmatch, lines) if row}
    numbers = {
        name: tuple(int(row[side].replace(",", "")) for side in ("train", "validation", "test"))
        for name, row in rows.items()
    }
    assert numbers == truth.rows
    used = sum(truth.rows["all"])
    kept = "" if used == truth.found else f", {used:,} used"
    assert lines[1] == f"  {truth.found:,} images{kept}, {truth.classes} classes"
    [sizes] = [line for line in lines if line.startswith("  sizes: ")]
    [modes] = [line for line in lines if line.startswith("  modes: ")]
    assert counted(sizes.removeprefix("  sizes: ").partition(";")[0]) == truth.sizes
    assert counted(modes.removeprefix("  modes: ")) == truth.modes
    notes = [line.removeprefix("  note: ") for line in lines if line.startswith("  note: ")]
    assert len(notes) == len(truth.notes)
    assert all(any(word in note for note in notes) for word in truth.notes), notes
    assert all(len(line) <= 80 for line in text.splitlines() if str(tmp_path) not in line)

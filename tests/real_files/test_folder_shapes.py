"""Folders as people have them: each shape with what must come of it, written down before."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from energy_sweep.dataset.base import Data
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.record import BadInput

SIDES = ("train", "validation", "test")
BRAIN = ("glioma", "meningioma", "notumor", "pituitary")
_drawn = iter(range(10**6))


def draw(path: Path) -> Path:
    """A picture of its own, smooth enough to be one."""
    random = np.random.default_rng(next(_drawn))
    coarse = random.integers(0, 256, (6, 6), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    form = {".jfif": "JPEG"}.get(path.suffix.lower())
    Image.fromarray(coarse).resize((24, 24), Image.Resampling.BICUBIC).save(path, form)
    return path


def fill(place: Path, count: int = 10, end: str = ".png") -> None:
    for n in range(count):
        draw(place / f"{n}{end}")


def tree(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 10) -> None:
    for name in classes:
        fill(root / name, count)


def sides(root: Path, **counts: int) -> None:
    for name, count in counts.items():
        tree(root / name.replace("__", " "), count=count)


def _also(make: Callable[[Path], object], more: Callable[[Path], object]):
    def both(root: Path) -> None:
        make(root)
        more(root)

    return both


class Read(NamedTuple):
    """What must be read: classes, images of each class on train, validation and test, a note."""

    classes: tuple[str, ...]
    counts: tuple[int, int, int]
    note: str = ""


PETS = ("cat", "dog")
TEN = Read(PETS, (6, 2, 2))
ALL = {"train": 8, "val": 3, "test": 2}

READ: dict[str, tuple[Callable[[Path], object], Read]] = {
    "a folder a class": (tree, TEN),
    "train, val and test": (
        lambda root: sides(root, **ALL),
        Read(PETS, (8, 3, 2), "test from test/, train from train/, validation from val/"),
    ),
    "Training, Validation, Testing": (
        lambda root: sides(root, Training=8, Validation=3, Testing=2),
        Read(PETS, (8, 3, 2)),
    ),
    "TRAIN, dev and eval": (
        lambda root: sides(root, TRAIN=8, dev=3, eval=2),
        Read(PETS, (8, 3, 2)),
    ),
    "train_set, ValidSet and test images": (
        lambda root: sides(root, train_set=8, ValidSet=3, test__images=2),
        Read(PETS, (8, 3, 2)),
    ),
    "train and val": (
        lambda root: sides(root, train=10, valid=3),
        Read(PETS, (8, 3, 2), "test is cut from train/"),
    ),
    "train and test": (
        lambda root: sides(root, Train=10, Test=3),
        Read(PETS, (8, 2, 3), "validation is cut from Train/"),
    ),
    "a class that is called train": (
        lambda root: tree(root, ("car", "train")),
        Read(("car", "train"), (6, 2, 2)),
    ),
    "folders in a class": (
        lambda root: [fill(root / name / part, 5) for name in PETS for part in ("1", "2")],
        Read(PETS, (6, 2, 2), "each class holds the same folders"),
    ),
    "checkpoints of Jupyter": (
        _also(tree, lambda root: fill(root / "cat" / ".ipynb_checkpoints", 3)),
        Read(PETS, (6, 2, 2), "hidden or of tools: 1 .ipynb_checkpoints"),
    ),
    "what macOS, Windows, git and a NAS leave": (
        _also(
            lambda root: sides(root, **ALL),
            lambda root: [
                fill(root / "__MACOSX" / "train" / "cat", 2),
                fill(root / ".git" / "cat", 2),
                fill(root / "train" / "@eaDir" / "cat", 2),
                fill(root / "val" / "dog" / "@eaDir" / "0.png", 1),
                draw(root / "train" / "cat" / "._0.png"),
                (root / "test" / "cat" / "Thumbs.db").write_bytes(b"x"),
                (root / "train" / ".DS_Store").write_bytes(b"x"),
            ],
        ),
        Read(PETS, (8, 3, 2), "2 @eaDir"),
    ),
    "suffixes in capitals, and cameras' own": (
        lambda root: [
            *(fill(root / "cat", 5, end) for end in (".PNG",)),
            *(draw(root / "cat" / f"x{n}.JPG") for n in range(5)),
            *(fill(root / "dog", 10, end) for end in (".jfif",)),
        ],
        TEN,
    ),
    "notes and tables beside the images": (
        _also(
            tree,
            lambda root: [
                (root / "labels.csv").write_text("a,b"),
                (root / "cat" / "readme.txt").write_text("hello"),
                (root / "dog" / "readme.txt").write_text("hello"),
            ],
        ),
        Read(PETS, (6, 2, 2), "left out, no images: 2 .txt, 1 .csv"),
    ),
    "forms that are not read": (
        _also(
            tree,
            lambda root: [(root / "cat" / f"{n}.HEIC").write_bytes(b"x") for n in range(3)],
        ),
        Read(PETS, (6, 2, 2), "of forms that are not read: 3 .heic"),
    ),
    "loose images beside the classes": (
        _also(tree, lambda root: fill(root, 3)),
        Read(PETS, (6, 2, 2), "beside the folders of classes: 3 images"),
    ),
    "loose images in a side": (
        _also(lambda root: sides(root, **ALL), lambda root: fill(root / "val", 4)),
        Read(PETS, (8, 3, 2), "beside the folders of classes: 4 images"),
    ),
    "folders of other things beside the sides": (
        _also(
            lambda root: sides(root, **ALL),
            lambda root: [
                (root / "annotations").mkdir(),
                (root / "annotations" / "0.xml").write_text("<a/>"),
                (root / "outputs").mkdir(),
            ],
        ),
        Read(PETS, (8, 3, 2), "folders without images: annotations, outputs"),
    ),
    "links to folders and files": (
        _also(
            lambda root: tree(root.with_name("elsewhere"), count=6),
            lambda root: [
                (root / "cat").mkdir(parents=True),
                (root / "dog").symlink_to(root.with_name("elsewhere") / "dog"),
                (root / "cat" / "more").symlink_to(root.with_name("elsewhere") / "cat"),
                *(draw(root.with_name("one") / f"{n}.png") for n in range(2)),
                *(
                    (root / "dog" / f"l{n}.png").symlink_to(root.with_name("one") / f"{n}.png")
                    for n in range(2)
                ),
                fill(root / "cat", 2),
            ],
        ),
        Read(PETS, (4, 2, 2)),
    ),
}

REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "train and holdout": (
        lambda root: sides(root, train=6, holdout=3),
        r"holdout lies beside the sides train and is none: move it away, or name sides train",
    ),
    "train, test and a spare one": (
        lambda root: sides(root, train=6, test=3, extra=2),
        r"extra lies beside the sides test, train and is none",
    ),
    "classes beside sides": (
        _also(tree, lambda root: fill(root / "test", 5)),
        r"cat lies beside the sides test and is none",
    ),
    "sides of other classes": (
        _also(lambda root: sides(root, train=6), lambda root: tree(root / "val", ("cat", "cow"))),
        r"class cow is in val and not in train: all sides need the same folders",
    ),
    "a side that lacks a class": (
        _also(lambda root: sides(root, train=6), lambda root: tree(root / "test", ("cat",))),
        r"class dog is in train and not in test",
    ),
    "two folders of one side": (
        lambda root: sides(root, train=6, val=3, valid=3),
        r"val and .*valid are both validation: put their images together",
    ),
    "sides without classes": (
        lambda root: tree(root, ("train", "test")),
        r"test looks like a side and has no folder for each class, so its images have no labels",
    ),
    "a test side without labels": (
        _also(lambda root: sides(root, train=6, val=2), lambda root: fill(root / "test", 5)),
        r"test looks like a side and has no folder for each class",
    ),
    "test alone": (lambda root: sides(root, test=5), r"has test and no folder train"),
    "train alone": (lambda root: sides(root, train=5), r"or type dataset\.root=.*train to cut all"),
    "an empty side": (
        _also(lambda root: sides(root, train=6, test=2), lambda root: (root / "val").mkdir()),
        r"val has no images: add some, or delete that folder",
    ),
    "an empty class": (
        _also(tree, lambda root: (root / "cow").mkdir()),
        r"class cow has no images in .*cow: add some, or delete that folder",
    ),
    "a class of phone pictures only": (
        _also(
            tree,
            lambda root: [(root / "cow").mkdir(), (root / "cow" / "1.heic").write_bytes(b"x")],
        ),
        r"class cow has no images in .*cow: it holds 1 \.heic: save them as \.png",
    ),
    "sides in classes": (
        lambda root: [fill(root / name / side, 4) for name in PETS for side in ("train", "test")],
        r"cat holds the sides test, train: lay images out as .*/test/cat",
    ),
    "folds": (
        lambda root: sides(root, fold1=4, fold2=4, fold3=4),
        r"fold1 looks like a side, with the folders cat, dog in it: name sides train",
    ),
    "sides of a contest": (
        lambda root: sides(root, seg_train=6, seg_test=2),
        r"seg_test looks like a side, with the folders cat, dog",
    ),
    "one folder too high": (
        lambda root: tree(root / "archive"),
        r"has 1 folders of images, and at least 2 classes are needed: type dataset\.root=.*archive",
    ),
    "one folder too high, with sides": (
        lambda root: sides(root / "archive", **ALL),
        r"archive holds the sides test, train, val: lay|type dataset\.root=.*archive",
    ),
    "images and no folder": (lambda root: fill(root, 5), r"has 0 folders of images"),
    "a link to nothing": (
        _also(tree, lambda root: (root / "cat" / "x.png").symlink_to(root / "gone.png")),
        r"x\.png is a link to a file that is gone",
    ),
    "a link that leads back": (
        _also(tree, lambda root: (root / "cat" / "up").symlink_to(root)),
        r"up is a link to a folder that it lies in: delete it",
    ),
}


def counts(data: Data) -> set[tuple[int, ...]]:
    """Images of each class on train, validation and test."""
    assert sum(data.summary.totals) == sum(len(getattr(data, side)) for side in SIDES)
    return set(zip(*(data.summary.counts[side] for side in SIDES), strict=True))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("shape", READ)
def test_a_folder_is_read_as_its_owner_means_it(shape: str, tmp_path: Path) -> None:
    make, expected = READ[shape]
    root = tmp_path / "root"
    make(root)
    data = Folder(root=str(root)).load()
    assert data.classes == expected.classes and counts(data) == {expected.counts}
    notes = "\n".join(data.summary.found.notes)
    assert expected.note in notes
    assert "near-copies" not in notes and "equal" not in notes
    again = Folder(root=str(root)).load()  # from the cache, with the same words
    assert again.summary == data.summary


@pytest.mark.parametrize("shape", REFUSED)
def test_a_folder_that_is_not_understood_is_refused_in_one_line(shape: str, tmp_path: Path) -> None:
    make, words = REFUSED[shape]
    root = tmp_path / "root"
    make(root)
    with pytest.raises(BadInput) as error:
        Folder(root=str(root)).load()
    said = str(error.value)
    assert "\n" not in said and said.startswith("dataset=folder: ")
    assert re.search(words, said), said


def test_brain_tumor_knows_the_same_sides_and_leaves_nothing_out(tmp_path: Path) -> None:
    for side, count in (("train", 8), ("valid", 3), ("TEST", 2)):
        tree(tmp_path / side, BRAIN, count)
    data = BrainTumor(root=str(tmp_path)).load()
    assert data.classes == BRAIN and counts(data) == {(8, 3, 2)}
    fill(tmp_path / "valid" / "other", 2)
    with pytest.raises(BadInput, match="other is none of glioma, meningioma, notumor, pituitary"):
        BrainTumor(root=str(tmp_path)).load()


def test_copies_between_published_sides_leave_the_side_that_counts_less(tmp_path: Path) -> None:
    sides(tmp_path, train=8, val=6, test=4)
    for name, of in (("train", "val"), ("train", "test"), ("val", "test")):
        copy = Image.open(tmp_path / of / "cat" / "0.png").resize((31, 31))
        copy.save(tmp_path / name / "cat" / f"copy_of_{of}.jpg", quality=80)
    data = Folder(root=str(tmp_path), resolution=24).load()
    assert data.summary.counts == {"train": (8, 8), "validation": (6, 6), "test": (4, 4)}
    said = data.summary.found.notes
    assert "1 validation images are copies of test images and are left out" in said
    assert "1 training images are copies of test images and are left out" in said
    assert "1 training images are copies of validation images and are left out" in said

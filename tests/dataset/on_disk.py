"""Small data sets written as their publishers do: idx, pickled batches, npz and image trees."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

SIDES = ("train", "test")


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def some_images(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    """An array of bytes in idx form: zeros, type 8, dimensions, big-endian sizes, data."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return header + array.tobytes()


def write_mnist(
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    kind: type = datasets.MNIST,
    *,
    packed: bool = False,
) -> Path:
    """40 training and 20 test images in `kind`'s four files; returns their folder.

    torchvision keeps the checksums of the packed files in `resources`, which is set to these.
    """
    folder = root / kind.__name__ / "raw"
    folder.mkdir(parents=True)
    resources = []
    for name, prefix, count in (("train", "train", 40), ("test", "t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = some_images(count, 28, 28, seed=len(name))
        for file, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            path = folder / f"{prefix}-{file}.gz"
            path.write_bytes(gzip.compress(idx(array)))
            resources.append((path.name, md5_of(path)))
            if not packed:
                path.with_suffix("").write_bytes(idx(array))
                path.unlink()
    monkeypatch.setattr(kind, "resources", resources)
    return folder


def write_cifar(
    monkeypatch: pytest.MonkeyPatch, root: Path, kind: type = datasets.CIFAR10, *, packed=False
) -> Path:
    """Batches of 20 images of 3 x 32 x 32 and the meta file; returns their folder (or archive).

    torchvision keeps their checksums in class attributes, which are set to these files'.
    """
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    hundred = kind is datasets.CIFAR100
    count = 300 if hundred else 40

    def write(name: str, content: dict) -> str:
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        return md5_of(folder / name)

    def batch(seed: int) -> dict:
        labels = [n % (100 if hundred else 10) for n in range(count)]
        data = some_images(count, 3072, seed=seed)
        return {"data": data, "fine_labels" if hundred else "labels": labels}

    for attribute, seed in (("train_list", 1), ("test_list", 100)):
        files = [name for name, _ in getattr(kind, attribute)]
        new = [[name, write(name, batch(seed + n))] for n, name in enumerate(files)]
        monkeypatch.setattr(kind, attribute, new)
    names = [f"class {n}" for n in range(100 if hundred else 10)]
    meta = {**kind.meta, "md5": write(kind.meta["filename"], {kind.meta["key"]: names})}
    monkeypatch.setattr(kind, "meta", meta)
    archive = root / kind.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    monkeypatch.setattr(kind, "tgz_md5", md5_of(archive))
    if not packed:
        archive.unlink()
        return folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return archive


def write_medmnist(path: Path, **changes: object) -> Path:
    """The six arrays of a MedMNIST file, 3 x 28 x 28 and 8 classes; `changes` replace or drop."""
    arrays: dict[str, object] = {}
    for side, count in (("train", 80), ("val", 24), ("test", 32)):
        arrays[f"{side}_images"] = some_images(count, 28, 28, 3, seed=count)
        arrays[f"{side}_labels"] = (np.arange(count, dtype=np.uint8) % 8)[:, None]
    arrays.update(changes)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{k: v for k, v in arrays.items() if v is not None})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


def scene(seed: int, side: int = 48, channels: int = 3) -> np.ndarray:
    """A smooth image of its own, [side, side, 3] or [side, side]: what noise is not, to a hash."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    return smooth if channels == 3 else np.ascontiguousarray(smooth[:, :, 0])


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def write_tree(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 10) -> None:
    for label, name in enumerate(classes):
        for n in range(count):
            suffix = "png" if n % 2 else "jpg"
            save(root / name / f"{n}.{suffix}", scene(label * 100 + n))

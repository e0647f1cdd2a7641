"""The cache of images: whatever is damaged in it, the data set stays the one in its own file."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy

from tests.chaos.base import Ran, run_fork

SIDE, EACH, CLASSES = 8, 12, 3


def copied() -> Path:
    """A copy of a folder with a data set, `images.npz`, and what was cached of it in `cache`."""
    folder = Path(tempfile.mkdtemp(prefix="images-"))
    shutil.copytree(_loaded()[0], folder, dirs_exist_ok=True)
    return folder


def looked(folder: Path) -> tuple[str, str]:
    """Load it once more: the images are those that they were."""
    ran = _load(folder)
    if ran.broke or ran.code:
        return ran.broke or "silent_wrong", f"exit {ran.code}: {ran.err[-400:]}"
    return ("same", "") if ran.out == _loaded()[1] else ("silent_wrong", "other images")


@cache
def _loaded() -> tuple[Path, str]:
    """The undamaged folder, and what its images come to."""
    folder = Path(tempfile.mkdtemp(prefix="loaded-"))
    dice = numpy.random.default_rng(0)
    images = dice.integers(0, 256, (EACH * CLASSES, SIDE, SIDE), dtype=numpy.uint8)
    numpy.savez(folder / "images.npz", images=images, labels=numpy.arange(len(images)) % CLASSES)
    first = _load(folder)
    assert first.code == 0 and any((folder / "cache").iterdir()), first.err
    return folder, first.out


def _load(folder: Path) -> Ran:
    """Load the data set in a fork, and print the digest of all that is in it.

    The path is the same for all copies, since what is cached is named by where the file lies.
    """

    def before() -> None:
        from energy_sweep.dataset.arrays import Arrays

        data = Arrays(file=str(_source(folder)), cache=str(folder / "cache")).load()
        for split in (data.train, data.validation, data.test):
            for array in (split.images, split.labels):
                print(hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest())
        print(data.classes, data.mean, data.std, data.fingerprint)
        raise SystemExit(0)

    return run_fork(["images"], folder, before=before)


def _source(folder: Path) -> Path:
    """The file of the data set, which no damage reaches."""
    return (
        folder / "images.npz" if not _loaded.cache_info().currsize else _loaded()[0] / "images.npz"
    )

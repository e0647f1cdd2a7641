"""One's own arrays: those of an .npz file, or those that a function of one's own returns."""

from __future__ import annotations

import importlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.base import Cut, Data, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.split import Labels
from energy_sweep.dataset.storage import Pixels
from energy_sweep.record import BadInput

CHANNELS = (1, 3)
SHAPES = "[N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels C"
WRITE = "write it with numpy.savez(FILE, images=images, labels=labels)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """Images, labels and, if given, the names of the classes; train, validation and test are cut.

    They come from the arrays `images`, `labels` and `classes` in `file`, or from what the function
    `factory` (package.module:function) returns, called without arguments.
    """

    name: str = "arrays"
    factory: str | None = None
    file: str | None = None
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 0
    flip: bool = False
    validation: float = 0.2
    test: float = 0.2
    cache: str | None = "auto"

    def __post_init__(self) -> None:
        module, _, function = (self.factory or "module:function").partition(":")
        if not module or not function.isidentifier():
            raise BadInput(
                f"dataset.factory={self.factory}: type dataset.factory=PACKAGE.MODULE:FUNCTION"
            )

    @property
    def imports(self) -> Mapping[str, str]:
        """The module that the user names, by the setting that names it."""
        return {} if self.factory is None else {"factory": self.factory.partition(":")[0]}

    def load(self) -> Data:
        """Read or call, check and split; BadInput names what is wrong with which array."""
        cut = Cut(
            resolution=self.resolution,
            shift=self.shift,
            flip=self.flip,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        if (self.factory is None) == (self.file is None):
            raise BadInput(
                f"dataset={self.name} needs one of two: type dataset.file=FILE.npz, or "
                "dataset.factory=PACKAGE.MODULE:FUNCTION 'allow=[PACKAGE]'"
            )
        if self.file is None:
            where = f"dataset.factory={self.factory}"
            return self._cut(cut, _called(where, str(self.factory)), where)
        path, where = Path(self.file).expanduser(), f"dataset.file={self.file}"
        if not path.is_file():
            raise BadInput(f"{where}: there is no such file: {WRITE}")
        return load_cached(self, cut, lambda: [path], lambda: self._cut(cut, _read(path), where))

    def _cut(self, cut: Cut, arrays: tuple[Any, ...], where: str) -> Data:
        images = checked_images(arrays[0], where)
        labels, classes = checked_labels(arrays[1], arrays[2:], len(images), where)
        return assemble(self.name, images, labels, classes=classes, cut=cut)


def _read(path: Path) -> tuple[Any, ...]:
    """The arrays of a file, in the order of a factory's; nothing pickled is read."""
    names = ("images", "labels")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if missing := [name for name in names if name not in archive]:
                raise BadInput(f"dataset.file={path} has no {missing[0]}: {WRITE}")
            arrays = tuple(archive[name] for name in names)
            return (*arrays, archive["classes"]) if "classes" in archive else arrays
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        why = " ".join(str(error).split())[:150]
        raise BadInput(f"dataset.file={path} cannot be read ({why}): {WRITE}") from error


def _called(where: str, factory: str) -> tuple[Any, ...]:
    """What the function returns; whatever its own code raises is bad input, in one line."""
    module, _, name = factory.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise BadInput(f"{where} cannot be imported: {_said(error)}") from error
    try:
        arrays = function()
    except Exception as error:
        raise BadInput(f"{where} failed: {_said(error)}") from error
    if not isinstance(arrays, tuple) or len(arrays) not in (2, 3):
        raise BadInput(f"{where}: return images, labels or images, labels, classes from it")
    return arrays


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def checked_images(given: Any, where: str) -> Pixels:
    """Images as [N, C, H, W]; BadInput where they are no bytes or of another shape."""
    images = _array(given, "images", where)
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise BadInput(f"{where}: images hold NaN or infinity: give bytes of 0 to 255 (uint8)")
    if images.dtype != np.uint8:
        scale = "(255 * images).round()" if images.dtype.kind == "f" else "images"
        raise BadInput(
            f"{where}: images are {images.dtype}: give bytes of 0 to 255, as of "
            f"{scale}.astype('uint8')"
        )
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim != 4:
        raise BadInput(f"{where}: images have shape {images.shape}: give {SHAPES}")
    else:
        first, last = images.shape[1] in CHANNELS, images.shape[3] in CHANNELS
        if first == last:
            what = "can be read in two ways" if first else "has no channels"
            raise BadInput(f"{where}: the shape {images.shape} of images {what}: give {SHAPES}")
        images = images if first else images.transpose(0, 3, 1, 2)
    if 0 in images.shape:
        raise BadInput(f"{where}: images have shape {images.shape}, which is empty: give some")
    return np.ascontiguousarray(images)


def checked_labels(
    given: Any, names: tuple[Any, ...], count: int, where: str
) -> tuple[Labels, tuple[str, ...]]:
    """One class index for each image, and what the classes are called; BadInput where not so."""
    labels = _array(given, "labels", where)
    if labels.dtype.kind not in "iu" or labels.shape not in ((count,), (count, 1)):
        raise BadInput(
            f"{where}: labels are {labels.dtype} of shape {labels.shape} for {count} images: "
            "give one whole number for each"
        )
    flat = labels.reshape(-1).astype(np.int64)
    found = np.unique(flat).tolist()
    if found != list(range(len(found))):
        gap = next(index for index, label in enumerate(found) if label != index)
        raise BadInput(
            f"{where}: {len(found)} different labels, but {found[gap]} where {gap} is expected: "
            "give whole numbers from 0 without gaps, as of numpy.unique(labels, "
            "return_inverse=True)[1]"
        )
    if len(found) < 2:
        raise BadInput(f"{where}: all labels are 0: give images of at least 2 classes")
    if not names:
        return flat, tuple(map(str, found))
    classes = tuple(map(str, _array(names[0], "classes", where).reshape(-1).tolist()))
    if len(classes) != len(found) or len(set(classes)) != len(classes):
        raise BadInput(
            f"{where}: {len(set(classes))} different names of classes for {len(found)} labels: "
            "give one for each"
        )
    return flat, classes


def _array(given: Any, what: str, where: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except Exception as error:  # ragged lists, tensors on a GPU, whatever cannot be one
        raise BadInput(f"{where}: {what} are no array ({_said(error)}): give one") from error

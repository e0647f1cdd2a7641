"""One's own arrays: those of an .npz file, or those that a function of one's own returns."""

from __future__ import annotations

import importlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.labels import as_classes
from energy_sweep.dataset.reader import Reading
from energy_sweep.dataset.summary import Found
from energy_sweep.dataset.values import BYTES, ScaledPixels, as_bytes, check_numbers
from energy_sweep.record import BadInput, JsonDict

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
        cut = Preprocessing(
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
            return self._split(
                cut, _call_factory(where, str(self.factory)), where, str(self.factory)
            )
        path, where = Path(self.file).expanduser(), f"dataset.file={self.file}"
        if not path.is_file():
            raise BadInput(f"{where}: there is no such file: {WRITE}")
        source = str(path.absolute())
        return load_cached(
            self, cut, lambda: [path], lambda: self._split(cut, _read(path), where, source)
        )

    def _split(self, cut: Preprocessing, arrays: tuple[Any, ...], where: str, source: str) -> Data:
        images, labels, *names = (
            _to_array(given, what, where)
            for given, what in zip(arrays, ("images", "labels", "classes"), strict=False)
        )
        check_numbers(images, where)
        shown, order = _to_nchw(images, len(labels) if labels.ndim else 0, where)
        scaled = as_bytes(shown, where)
        labelled = as_classes(labels, names[0] if names else None, len(shown), where)
        found = Found(
            source=source,
            modes={f"{_dtype_name(images)} {order}": len(images)},
            notes=(*_conversion_notes(images, scaled), *labelled.notes),
        )
        return assemble(
            self.name,
            np.ascontiguousarray(scaled.pixels),
            labelled.labels,
            classes=labelled.classes,
            cut=cut,
            found=found,
            reading=_reading(shown.shape[1], scaled),
            **self.second_labels(len(shown), where),
        )

    def second_labels(self, count: int, where: str) -> JsonDict:
        """What `assemble` is told of labels of a second kind: nothing here."""
        del count, where
        return {}


def _reading(channels: int, scaled: ScaledPixels) -> Reading:
    """How an image file of such numbers becomes the bytes that these became."""
    if scaled.kind == "real":
        return Reading(channels=channels, real=scaled.limits)
    return Reading(channels=channels, whole=scaled.limits if scaled.limits[1] > BYTES[1] else None)


def _dtype_name(images: np.ndarray) -> str:
    return images.dtype.name


def _conversion_notes(images: np.ndarray, scaled: ScaledPixels) -> tuple[str, ...]:
    """How numbers became bytes, where they were none."""
    low, high = scaled.limits
    if (low, high) == BYTES and scaled.kind == "whole":
        return ()
    return (f"{_dtype_name(images)} images: {low:g} becomes 0 and {high:g} becomes 255",)


def _read(path: Path) -> tuple[Any, ...]:
    """The arrays of a file, in the order of a factory's; nothing pickled is read."""
    names = ("images", "labels")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise BadInput(f"dataset.file={path} is one array: {WRITE}")
        with loaded as archive:
            if missing := [name for name in names if name not in archive]:
                raise BadInput(f"dataset.file={path} has no {missing[0]}: {WRITE}")
            arrays = tuple(archive[name] for name in names)
            return (*arrays, archive["classes"]) if "classes" in archive else arrays
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        why = " ".join(str(error).split())[:150]
        if "allow_pickle" in why:
            raise BadInput(
                f"dataset.file={path} holds objects, which are never unpickled: give one array of "
                "numbers, as of numpy.stack(images) where all have one size"
            ) from error
        raise BadInput(f"dataset.file={path} cannot be read ({why}): {WRITE}") from error


def _call_factory(where: str, factory: str) -> tuple[Any, ...]:
    """What the function returns; whatever its own code raises is bad input, in one line."""
    module, _, name = factory.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise BadInput(f"{where} cannot be imported: {_error_text(error)}") from error
    try:
        arrays = function()
    except Exception as error:
        raise BadInput(f"{where} failed: {_error_text(error)}") from error
    if not isinstance(arrays, tuple) or len(arrays) not in (2, 3):
        raise BadInput(f"{where}: return images, labels or images, labels, classes from it")
    return arrays


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _to_nchw(images: np.ndarray, count: int, where: str) -> tuple[np.ndarray, str]:
    """Images as [N, C, H, W], and how they lay; `count` is how many there should be."""
    shape = images.shape
    said = f"{where}: images have shape {shape}"
    if 0 in shape:
        raise BadInput(f"{said}, which is empty: give some")
    if images.ndim in (3, 4) and shape[-1] == count != shape[0]:
        raise BadInput(f"{said}: give {SHAPES}, as of numpy.moveaxis(images, -1, 0)")
    if images.ndim == 3:
        return images[:, None], "[N, H, W]"
    if images.ndim != 4:
        rows = _square_hint(shape[1]) if images.ndim == 2 and shape[0] == count else ""
        raise BadInput(f"{said}: give {SHAPES}{rows}")
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        raise BadInput(
            f"{said}, which can be read in two ways: give {SHAPES}, as of images.transpose(0, 2, 3,"
            " 1) where C comes first and of images.transpose(0, 3, 1, 2) where it comes last"
        )
    if not first and not last:
        fourth = ", as of images[..., :3] without the fourth" if shape[3] == 4 else ""
        which = f"{shape[3]} channels" if fourth else "no channels"
        raise BadInput(f"{said}, which has {which}: give {SHAPES}{fourth}")
    if first:
        return images, "[N, C, H, W]"
    return images.transpose(0, 3, 1, 2), "[N, H, W, C]"


def _square_hint(length: int) -> str:
    """How rows of so many numbers become square images, '' where they cannot."""
    for channels, shape in ((1, ""), (3, "3, ")):
        side = math.isqrt(length // channels)
        if side > 1 and channels * side * side == length:
            return f", as of images.reshape(-1, {shape}{side}, {side})"
    return ""


def _to_array(given: Any, what: str, where: str) -> np.ndarray:
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        thing = "pixels of images" if what == "images" else what
        raise BadInput(
            f"{where}: some {thing} are masked: give them filled, as of {what}.filled(0)"
        )
    try:
        return np.asarray(given)
    except Exception as error:  # ragged lists, tensors on a GPU, whatever cannot be one
        raise BadInput(f"{where}: {what} are no array ({_error_text(error)}): give one") from error

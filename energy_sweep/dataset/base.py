"""What a data set is to the program: three splits of uint8 images, cut by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from energy_sweep.record import BadInput

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images, uint8 [N, C, H, W], and the index of each one's class, int64 [N]."""

    images: Pixels
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A data set ready to train on; `mean` and `std` are per channel, in pixel units, of train.

    Training moves each image by up to `shift` pixels; `fingerprint` names what all splits hold.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shift: int
    fingerprint: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width


@runtime_checkable
class Source(Protocol):
    """Where a data set comes from: a frozen dataclass, so that it can be hashed and written."""

    @property
    def name(self) -> str: ...

    def load(self) -> Data:
        """Read, split and resize; BadInput where that cannot be done as asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How images are cut and sized: side in pixels (None: as they are) and shares of each class."""

    resolution: int | None
    shift: int
    validation: float
    test: float

    def __post_init__(self) -> None:
        if self.resolution is not None and self.resolution < 1:
            raise BadInput(
                f"dataset.resolution={self.resolution}: type a number of pixels, "
                "such as dataset.resolution=8"
            )
        if self.shift < 0:
            raise BadInput(f"dataset.shift={self.shift}: type dataset.shift=0 or more pixels")
        for name, share in (("validation", self.validation), ("test", self.test)):
            if not 0 < share < 1:
                raise BadInput(
                    f"dataset.{name}={share}: type a share between 0 and 1, "
                    f"such as dataset.{name}=0.2"
                )
        if self.validation + self.test >= 1:
            raise BadInput(
                f"dataset.validation={self.validation} and dataset.test={self.test} leave nothing "
                "to train on: type dataset.validation=0.2 dataset.test=0.2"
            )


def assemble(
    name: str, images: Pixels, labels: Labels, *, classes: tuple[str, ...], cut: Cut
) -> Data:
    """The data set made of all its images; it is split before resizing, so that the splits of
    every resolution hold the same originals."""
    for index, label in enumerate(classes):
        if not np.any(labels == index):
            raise BadInput(f"dataset={name}: class {label} has no images; add some or drop it")
    splits = split_by_content(images, labels, validation=cut.validation, test=cut.test)
    if cut.resolution is not None:
        splits = {
            side: Split(resize(split.images, cut.resolution), split.labels)
            for side, split in splits.items()
        }
    side = min(splits[TRAIN].images.shape[2:])
    if cut.shift >= side:
        raise BadInput(
            f"dataset.shift={cut.shift}: images are {side} pixels wide; type dataset.shift=1"
        )
    mean, std = _moments(splits[TRAIN].images)
    return Data(
        name=name,
        train=splits[TRAIN],
        validation=splits[VALIDATION],
        test=splits[TEST],
        classes=classes,
        mean=mean,
        std=std,
        shift=cut.shift,
        fingerprint=_fingerprint(splits, classes),
    )


def split_by_content(
    images: Pixels, labels: Labels, *, validation: float, test: float
) -> dict[str, Split]:
    """Train, validation and test, stratified by class.

    Who goes where follows from the SHA-256 of the pixels: the input order does not matter, and
    equal images are on one side whatever their labels. BadInput where a class has fewer than three
    different images.
    """
    names = np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])
    sides: dict[str, str] = {}
    for label in np.unique(labels):
        members, counts = np.unique(names[labels == label], return_counts=True)
        if len(members) < 3:
            raise BadInput(
                f"class {label} has {len(members)} different images: a train, a validation and a "
                "test image are needed, so give it at least 3"
            )
        total = int(counts.sum())
        wanted = {
            TEST: max(1, round(test * total)),
            VALIDATION: max(1, round(validation * total)),
        }
        _place(dict(zip(members.tolist(), counts.tolist(), strict=True)), wanted, sides)
    # By the other end of the names, which says nothing of side or class: so any leading part of a
    # split is a fair sample of it.
    order = np.lexsort((labels, [name[::-1] for name in names.tolist()]))
    chosen = np.array([sides[name] for name in names[order].tolist()])
    return {
        side: Split(images[order[chosen == side]], labels[order[chosen == side]])
        for side in (TRAIN, VALIDATION, TEST)
    }


def _place(members: Mapping[str, int], wanted: Mapping[str, int], sides: dict[str, str]) -> None:
    """Put each content of one class (name: copies), in order, on the first side that wants more."""
    held: dict[str, int] = {TEST: 0, VALIDATION: 0, TRAIN: 0}
    for name in members.keys() & sides.keys():  # an image that another class holds too
        held[sides[name]] += members[name]
    free = [name for name in members if name not in sides]
    for position, name in enumerate(free):
        hungry = [side for side in wanted if held[side] < wanted[side]]
        empty = [side for side in held if held[side] == 0]
        # Many copies of few images must not starve a side of its last chance.
        pool = empty if len(free) - position <= len(empty) else [*hungry, TRAIN]
        sides[name] = pool[0]
        held[pool[0]] += members[name]


def resize(images: Pixels, resolution: int) -> Pixels:
    """Images [N, C, H, W] brought to resolution x resolution: area when shrinking, else bilinear.

    Weights are whole numbers, so every machine gets the same pixels.
    """
    height, width = images.shape[2:]
    if (height, width) == (resolution, resolution):
        return images
    rows, columns = _weights(height, resolution), _weights(width, resolution)
    scale = int(rows[0].sum() * columns[0].sum())
    total = rows @ images.astype(np.int64) @ columns.T
    return ((total + scale // 2) // scale).astype(np.uint8)


def _weights(old: int, new: int) -> npt.NDArray[np.int64]:
    """Whole-number weights [new, old] of each old pixel in each new one; rows have equal sums."""
    target = np.arange(new)[:, None]
    if new <= old:
        source = np.arange(old)[None, :]
        first = np.maximum(target * old, source * new)
        last = np.minimum((target + 1) * old, (source + 1) * new)
        return np.maximum(last - first, 0).astype(np.int64)
    source = np.arange(-1, old + 1)[None, :]
    distance = np.abs((2 * target + 1) * old - (2 * source + 1) * new)
    padded = np.maximum(2 * new - distance, 0).astype(np.int64)
    inner = padded[:, 1:-1].copy()
    inner[:, 0] += padded[:, 0]
    inner[:, -1] += padded[:, -1]
    return inner


def package_file(package: str, *parts: str) -> Path | None:
    """A file inside an installed package, found without importing it; None where it is not."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    return None


def _moments(images: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, from exact sums; 1 for a constant channel."""
    pixels = images.astype(np.int64)
    count = pixels[:, 0].size
    sums = pixels.sum(axis=(0, 2, 3)).tolist()
    squares = (pixels**2).sum(axis=(0, 2, 3)).tolist()
    variances = [(count * q - s * s) / count**2 for s, q in zip(sums, squares, strict=True)]
    return tuple(s / count for s in sums), tuple(v**0.5 or 1.0 for v in variances)


def _fingerprint(splits: Mapping[str, Split], classes: tuple[str, ...]) -> str:
    total = hashlib.sha256(repr(classes).encode())
    for side, split in splits.items():
        total.update(f"{side} {split.images.shape}".encode())
        total.update(np.ascontiguousarray(split.images).tobytes())
        total.update(np.ascontiguousarray(split.labels, dtype="<i8").tobytes())
    return total.hexdigest()

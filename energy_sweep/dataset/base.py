"""What a data set is to the program: three splits of uint8 images, cut by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from energy_sweep.dataset.preprocessing import Preprocessing
from energy_sweep.dataset.reader import Reading
from energy_sweep.dataset.resize import resize
from energy_sweep.dataset.split import (
    TEST,
    TRAIN,
    VALIDATION,
    Labels,
    Split,
    split,
    take_fraction,
    uneven_lines,
)
from energy_sweep.dataset.storage import Pixels, chunks
from energy_sweep.dataset.summary import Found, Summary
from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A data set ready to train on; `mean` and `std` are per channel, in pixel units, of train.

    Training moves each image by up to `shift` pixels and, with `flip`, mirrors half of them left
    to right; `fingerprint` names what all splits hold; `found` is what the source says of them,
    and `reading` how it made bytes of image files, where it read any. Images that have labels of a
    second kind have `second_classes` for them, whose loss counts `second_weight` times.
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
    flip: bool = False
    found: Found = field(default_factory=Found)
    reading: Reading | None = None
    second_classes: tuple[str, ...] = ()
    second_weight: float = 1.0

    @property
    def outputs(self) -> int:
        """How many logits a net gives: one for each class, those of the second kind last."""
        return len(self.classes) + len(self.second_classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def summary(self) -> Summary:
        """What was read, counted."""
        sides = {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}
        kinds = len(self.classes)
        return Summary(
            name=self.name,
            found=self.found,
            classes=self.classes,
            counts={
                side: tuple(np.bincount(split.labels, minlength=kinds).tolist())
                for side, split in sides.items()
            },
            shape=self.shape,
        )


@runtime_checkable
class DataSource(Protocol):
    """Where a data set comes from: a frozen dataclass, so that it can be hashed and written.

    One that imports modules that the user names has them as `imports`, by setting: the packages
    of those, as that of a `_target_`, must be allowed.
    """

    @property
    def name(self) -> str: ...

    def load(self) -> Data:
        """Read, split and resize; BadInput where that cannot be done as asked."""
        ...


@runtime_checkable
class FromFiles(Protocol):
    """A source that reads image files, and shows how: what is deployed is held to it."""

    def examples(self) -> list[Path]:
        """Some files of each form and mode that the data set has."""
        ...

    def pixels(self, path: Path, reading: Reading) -> Pixels:
        """A file as training sees it, [C, H, W]."""
        ...


def assemble(
    name: str,
    images: Pixels,
    labels: Labels,
    *,
    classes: tuple[str, ...],
    cut: Preprocessing,
    names: Sequence[str] | None = None,
    given: Mapping[str, Split] | None = None,
    found: Found | None = None,
    reading: Reading | None = None,
    second: Labels | None = None,
    second_classes: tuple[str, ...] = (),
) -> Data:
    """The data set made of all its images and of the splits that the source has `given`; it is
    split before resizing, so that the splits of every resolution hold the same originals.

    `found` is what only the source knows of its images, for `Data.summary`, and `reading` how it
    read their files.
    """
    for index, label in enumerate(classes):
        if not np.any(labels == index):
            raise BadInput(f"dataset={name}: class {label} has no images; add some or drop it")
    shares = {TEST: cut.test, VALIDATION: cut.validation}
    cuts = {side: share for side, share in shares.items() if share is not None}
    cut_here = split(images, labels, cuts, names=names, classes=classes, second=second)
    splits = {**cut_here, **(given or {})}
    found = _fill_in(found or Found(), splits, images.shape)
    found = found.with_notes(*uneven_lines(splits, cuts, classes))
    splits[TRAIN], whole = take_fraction(splits[TRAIN], cut.fraction), splits[TRAIN]
    if len(splits[TRAIN]) < len(whole):
        kept = f"{len(splits[TRAIN]):,} of {len(whole):,} training images"
        found = found.with_notes(f"dataset.fraction={cut.fraction:g} keeps {kept}")
    splits = _resize_all({side: splits[side] for side in (TRAIN, VALIDATION, TEST)}, cut.resolution)
    mean, std = _moments(splits[TRAIN].images)
    data = Data(
        name=name,
        train=splits[TRAIN],
        validation=splits[VALIDATION],
        test=splits[TEST],
        classes=classes,
        mean=mean,
        std=std,
        shift=0,
        fingerprint=fingerprint(splits, classes + second_classes),
        found=found,
        reading=reading,
        second_classes=second_classes,
    )
    return with_augmentation(data, cut)


def _resize_all(splits: dict[str, Split], resolution: int | None) -> dict[str, Split]:
    """The splits with square images of `resolution` pixels; None leaves them as they are."""
    if resolution is None:
        return splits
    return {
        side: replace(split, images=resize(split.images, resolution))
        for side, split in splits.items()
    }


def _fill_in(found: Found, splits: Mapping[str, Split], shape: tuple[int, ...]) -> Found:
    """With what the splits say themselves, where the source has said nothing."""
    count = sum(map(len, splits.values())) if found.images is None else found.images
    _, channels, height, width = shape
    mode = {1: "L", 3: "RGB"}.get(channels, f"{channels} channels")
    return replace(
        found,
        images=count,
        sizes=found.sizes or {f"{width} x {height}": count},
        modes=found.modes or {mode: count},
    )


def with_augmentation(data: Data, cut: Preprocessing) -> Data:
    """The data to be moved and mirrored as `cut` says; BadInput where nothing would be left."""
    side = min(data.shape[1:])
    if cut.shift >= side:
        raise BadInput(
            f"dataset.shift={cut.shift}: images are {side} pixels wide; type dataset.shift=1"
        )
    return replace(data, shift=cut.shift, flip=cut.flip)


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
    count, channels = images[:, 0].size, images.shape[1]
    sums, squares = [0] * channels, [0] * channels
    for part in chunks(images.shape):  # the whole in 8 bytes a pixel may not fit
        pixels = images[part].astype(np.int64)
        for channel in range(channels):
            sums[channel] += int(pixels[:, channel].sum())
            squares[channel] += int((pixels[:, channel] ** 2).sum())
    variances = [(count * q - s * s) / count**2 for s, q in zip(sums, squares, strict=True)]
    return tuple(s / count for s in sums), tuple(v**0.5 or 1.0 for v in variances)


def fingerprint(splits: Mapping[str, Split], classes: tuple[str, ...]) -> str:
    """The SHA-256 of all that the splits hold, part by part, and of what the classes are called."""
    total = hashlib.sha256(repr(classes).encode())
    for side, part in splits.items():
        total.update(f"{side} {part.images.shape}".encode())
        for some in chunks(part.images.shape):
            total.update(part.images[some].tobytes())
        total.update(np.ascontiguousarray(part.targets, dtype="<i8").tobytes())
    return total.hexdigest()

"""What a data set is to the program: three splits of uint8 images, cut by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from energy_sweep.dataset.cut import Cut
from energy_sweep.dataset.resize import CHUNK, Pixels, resize
from energy_sweep.record import BadInput

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
    flip: bool = False

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


def assemble(
    name: str,
    images: Pixels,
    labels: Labels,
    *,
    classes: tuple[str, ...],
    cut: Cut,
    names: Sequence[str] | None = None,
    given: Mapping[str, Split] | None = None,
) -> Data:
    """The data set made of all its images and of the splits that the source has `given`; it is
    split before resizing, so that the splits of every resolution hold the same originals."""
    for index, label in enumerate(classes):
        if not np.any(labels == index):
            raise BadInput(f"dataset={name}: class {label} has no images; add some or drop it")
    shares = {TEST: cut.test, VALIDATION: cut.validation}
    cuts = {side: share for side, share in shares.items() if share is not None}
    splits = {**split(images, labels, cuts, names=names, classes=classes), **(given or {})}
    splits[TRAIN] = _leading_part(splits[TRAIN], cut.fraction)
    splits = _sized({side: splits[side] for side in (TRAIN, VALIDATION, TEST)}, cut)
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


def _sized(splits: Mapping[str, Split], cut: Cut) -> Mapping[str, Split]:
    """The splits at the resolution asked for; BadInput where `shift` leaves nothing of an image."""
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
    return splits


def split_by_content(
    images: Pixels, labels: Labels, *, validation: float, test: float
) -> dict[str, Split]:
    """Train, validation and test, stratified by class; see `split`."""
    return split(images, labels, {TEST: test, VALIDATION: validation})


def split(
    images: Pixels,
    labels: Labels,
    shares: Mapping[str, float],
    *,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> dict[str, Split]:
    """The sides in `shares`, and train with the rest, stratified by class.

    Who goes where follows from `names` (None: the SHA-256 of the pixels): the input order does not
    matter, and images of one name are on one side whatever their labels. BadInput where a class
    has fewer different names than there are sides.
    """
    known = np.array([content_name(image) for image in images] if names is None else names)
    sides: dict[str, str] = {}
    for label in np.unique(labels):
        members, counts = np.unique(known[labels == label], return_counts=True)
        if len(members) <= len(shares):
            raise BadInput(
                f"class {classes[label] if classes else label} has {len(members)} different "
                f"images: each of {', '.join((TRAIN, *shares))} needs one, so give it at least "
                f"{len(shares) + 1}"
            )
        total = int(counts.sum())
        wanted = {side: max(1, round(share * total)) for side, share in shares.items()}
        _place(dict(zip(members.tolist(), counts.tolist(), strict=True)), wanted, sides)
    # By the other end of the names, which says nothing of side or class: so any leading part of a
    # split is a fair sample of it.
    order = np.lexsort((labels, [name[::-1] for name in known.tolist()]))
    chosen = np.array([sides[name] for name in known[order].tolist()])
    return {
        side: Split(images[order[chosen == side]], labels[order[chosen == side]])
        for side in (TRAIN, VALIDATION, TEST)
        if side == TRAIN or side in shares
    }


def content_name(image: Pixels) -> str:
    """The SHA-256 of an image's pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def _place(members: Mapping[str, int], wanted: Mapping[str, int], sides: dict[str, str]) -> None:
    """Put each content of one class (name: copies), in order, on the first side that wants more."""
    held: dict[str, int] = dict.fromkeys((*wanted, TRAIN), 0)
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


def _leading_part(split: Split, fraction: float) -> Split:
    """The first images of each class, at least one: a larger fraction holds a smaller one."""
    if fraction == 1:
        return split
    kept = np.zeros(len(split), bool)
    for label in np.unique(split.labels):
        members = np.flatnonzero(split.labels == label)
        kept[members[: max(1, round(fraction * len(members)))]] = True
    return Split(split.images[kept], split.labels[kept])


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
    for start in range(0, len(images), CHUNK):  # the whole in 8 bytes a pixel may not fit
        pixels = images[start : start + CHUNK].astype(np.int64)
        for channel in range(channels):
            sums[channel] += int(pixels[:, channel].sum())
            squares[channel] += int((pixels[:, channel] ** 2).sum())
    variances = [(count * q - s * s) / count**2 for s, q in zip(sums, squares, strict=True)]
    return tuple(s / count for s in sums), tuple(v**0.5 or 1.0 for v in variances)


def _fingerprint(splits: Mapping[str, Split], classes: tuple[str, ...]) -> str:
    total = hashlib.sha256(repr(classes).encode())
    for side, split in splits.items():
        total.update(f"{side} {split.images.shape}".encode())
        total.update(np.ascontiguousarray(split.images).tobytes())
        total.update(np.ascontiguousarray(split.labels, dtype="<i8").tobytes())
    return total.hexdigest()

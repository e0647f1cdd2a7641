"""Images in one folder a class, wherever they come from; Brain Tumor MRI has that form."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from energy_sweep.dataset.base import Cut, Data, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.duplicates import difference_hash, groups
from energy_sweep.dataset.pictures import folders, is_grey, pictures, read, spelled
from energy_sweep.dataset.resize import resize
from energy_sweep.dataset.split import TEST, TRAIN, Split
from energy_sweep.dataset.storage import Pixels, allocate, gather
from energy_sweep.record import BadInput

log = logging.getLogger(__name__)

SIDES = {TRAIN: ("training",), TEST: ("testing",)}


class Picture(NamedTuple):
    """An image file, the index of its class and the side it was published for (None: any)."""

    path: Path
    label: int
    side: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The images in root/CLASS, or in root/Training/CLASS and root/Testing/CLASS, which then tests.

    Images of which one is a copy of the other (see `duplicates`; their hashes differ in at most
    `near_bits`) are on one side; where the published sides share copies, train loses them.
    `channels` None is 1 where all files are grey, else 3.
    """

    name: str = "folder"
    root: str = "data/folder"
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 0
    flip: bool = False
    validation: float = 0.2
    test: float = 0.2
    channels: int | None = None
    near_bits: int = 4
    cache: str | None = "auto"

    spellings: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def load(self) -> Data:
        """Find, read, size and split the images; BadInput names the folder or file at fault."""
        if self.channels not in (None, 1, 3):
            raise BadInput(f"dataset.channels={self.channels}: type null, 1 or 3")
        if not 0 <= self.near_bits <= 16:
            raise BadInput(f"dataset.near_bits={self.near_bits}: type 0 to 16, such as 4")
        cut = Cut(
            resolution=self.resolution,
            shift=self.shift,
            flip=self.flip,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        classes, found = self._find()
        paths = [picture.path for picture in found]
        return load_cached(self, cut, lambda: paths, lambda: self._cut(cut, classes, found))

    def _cut(self, cut: Cut, classes: tuple[str, ...], found: list[Picture]) -> Data:
        """Read all images, and keep copies of one on one side."""
        images, contents, hashes = self._read([picture.path for picture in found])
        labels = np.array([picture.label for picture in found], np.int64)
        copies = groups(hashes, contents, bits=self.near_bits)
        names = _names(contents, copies)
        if found[0].side is None:
            return assemble(self.name, images, labels, classes=classes, cut=cut, names=names)
        tests = np.array([picture.side == TEST for picture in found])
        fresh = np.flatnonzero(self._fresh(tests, copies))
        return assemble(
            self.name,
            gather(images, fresh),
            labels[fresh],
            classes=classes,
            cut=replace(cut, test=None),
            names=[names[index] for index in fresh],
            given={TEST: Split(images, labels).part(np.flatnonzero(tests))},
        )

    def _fresh(self, tests: np.ndarray, copies: list[int]) -> np.ndarray:
        """Which images are to train on: neither test images nor copies of one."""
        seen = {copies[index] for index in np.flatnonzero(tests)}
        fresh = np.array([group not in seen for group in copies]) & ~tests
        if lost := int((~tests).sum() - fresh.sum()):
            said = "dataset=%s: %d training images are copies of test images and are left out"
            log.warning(said, self.name, lost)
        return fresh

    def whole(self) -> Folder:
        """What all resolutions and fractions of this folder share, at a size that always loads."""
        return replace(self, resolution=32, fraction=1.0, shift=0)

    def _find(self) -> tuple[tuple[str, ...], list[Picture]]:
        """The classes in the order of their names, and all images."""
        root = Path(self.root).expanduser()
        if not root.is_dir():
            raise BadInput(
                f"dataset={self.name}: there is no folder {root}: type dataset.root=FOLDER, "
                f"with images in FOLDER/{self._layout()}"
            )
        places = self._places(root)
        trees = {side: spelled(folders(place), self.spellings) for side, place in places.items()}
        wanted = set(self.spellings) or {label for tree in trees.values() for label in tree}
        classes = tuple(sorted(wanted))
        if len(classes) < 2:
            raise BadInput(
                f"dataset={self.name}: {root} has {len(classes)} folders of images, and at least 2 "
                f"classes are needed: lay images out as {root}/{self._layout()}"
            )
        found: list[Picture] = []
        for side, tree in trees.items():
            for label, name in enumerate(classes):
                place = tree.get(name, places[side] / name)
                files = pictures(place) if place.is_dir() else []
                if not files:
                    raise BadInput(
                        f"dataset={self.name}: class {name} has no images in {place}: add some"
                        + (f", or delete that folder from {root}" if not self.spellings else "")
                    )
                found += [Picture(path, label, side) for path in files]
        return classes, found

    def _places(self, root: Path) -> dict[str | None, Path]:
        """The folder that holds the classes of each published side, or of all images (None)."""
        inside = spelled(folders(root), SIDES)
        published: dict[str | None, Path] = {s: inside[s] for s in SIDES if s in inside}
        if len(published) == len(inside) == 1:
            (side,) = set(SIDES) - set(published)
            raise BadInput(f"dataset={self.name}: {root} has no {SIDES[side][0].title()} folder")
        if len(published) < len(SIDES):
            return {None: root}  # `train` is also a thing to classify
        return published

    def _layout(self) -> str:
        classes = "|".join(sorted(self.spellings)) or "CLASS"
        return f"{classes}/*.png (or .jpg, ...), or in Training/ and Testing/ with such folders"

    def _read(self, paths: list[Path]) -> tuple[Pixels, list[str], np.ndarray]:
        """Images [N, C, H, W] at the size asked for, and names and hashes of the originals."""
        channels = self.channels or (1 if all(is_grey(path) for path in paths) else 3)
        images: Pixels | None = None
        contents: list[str] = []
        hashes: list[np.ndarray] = []
        for index, path in enumerate(paths):
            pixels = read(path, channels=channels)
            contents.append(
                hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
            )
            hashes.append(difference_hash(pixels))
            sized = resize(pixels[None], self.resolution)[0] if self.resolution else pixels
            if images is None:
                images = allocate((len(paths), *sized.shape))
            if sized.shape != images.shape[1:]:
                (_, height, width), (first_height, first_width) = pixels.shape, images.shape[2:]
                raise BadInput(
                    f"dataset={self.name}: {path} is {width} x {height} pixels and {paths[0]} "
                    f"{first_width} x {first_height}: type dataset.resolution=64, or another side"
                )
            images[index] = sized
        assert images is not None  # _find refuses a folder without images
        return images, contents, np.array(hashes)


def _names(contents: list[str], copies: list[int]) -> list[str]:
    """One name for all copies of an image, whatever the order of the files."""
    least: dict[int, str] = {}
    for content, group in zip(contents, copies, strict=True):
        least[group] = min(content, least.get(group, content))
    return [least[group] for group in copies]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainTumor(Folder):
    """Brain Tumor MRI, as published in Training and Testing folders of four classes."""

    name: str = "brain_tumor"
    root: str = "data/brain_tumor"
    channels: int | None = 1
    resolution: int | None = 64

    spellings: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "glioma": ("glioma_tumor",),
        "meningioma": ("meningioma_tumor",),
        "notumor": ("no_tumor",),
        "pituitary": ("pituitary_tumor",),
    }

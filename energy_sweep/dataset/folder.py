"""Images in one folder a class, wherever they come from; Brain Tumor MRI has that form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from energy_sweep.dataset.base import Cut, Data, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.duplicates import groups
from energy_sweep.dataset.pictures import (
    Read,
    examples,
    folders,
    read,
    read_all,
    sized,
    spelled,
    survey,
)
from energy_sweep.dataset.reader import Reading, images_below
from energy_sweep.dataset.split import TEST, TRAIN, Split
from energy_sweep.dataset.storage import Pixels, gather
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
    `channels` None is 1 where all files are grey, else 3. What can be seen through lies over
    `background`, 0 (black) to 255 (white).
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
    background: int = 255
    near_bits: int = 4
    cache: str | None = "auto"

    spellings: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def load(self) -> Data:
        """Find, read, size and split the images; BadInput names the folder or file at fault."""
        if self.channels not in (None, 1, 3):
            raise BadInput(f"dataset.channels={self.channels}: type null, 1 or 3")
        if not 0 <= self.background <= 255:
            raise BadInput(
                f"dataset.background={self.background}: type 255 (white), 0 (black) or a grey "
                "between"
            )
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
        everything = self._read([picture.path for picture in found])
        images, contents = everything.images, everything.contents
        labels = np.array([picture.label for picture in found], np.int64)
        copies = groups(everything.hashes, contents, bits=self.near_bits)
        names = _names(contents, copies)
        given, kept = None, np.arange(len(found))
        if found[0].side is not None:
            tests = np.array([picture.side == TEST for picture in found])
            given = {TEST: Split(images, labels).part(np.flatnonzero(tests))}
            kept = np.flatnonzero(self._fresh(tests, copies))
            images, cut = gather(images, kept), replace(cut, test=None)
        return assemble(
            self.name,
            images,
            labels[kept],
            classes=classes,
            cut=cut,
            names=[names[index] for index in kept],
            given=given,
            found=everything.found,
            reading=everything.reading,
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
                files = images_below(place) if place.is_dir() else []
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

    def examples(self) -> list[Path]:
        """Some files of each form and mode that the data set has."""
        return examples([picture.path for picture in self._find()[1]])

    def pixels(self, path: Path, reading: Reading) -> Pixels:
        """A file as training sees it, [C, H, W]."""
        return sized(read(path, reading).pixels, self.resolution)

    def _read(self, paths: list[Path]) -> Read:
        """All images at the size asked for."""
        reading, looks = survey(paths, channels=self.channels, background=self.background)
        try:
            everything = read_all(paths, looks, reading, self.resolution)
        except BadInput as error:
            raise BadInput(f"dataset={self.name}: {error}") from error
        return replace(everything, found=replace(everything.found, source=self.root))


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

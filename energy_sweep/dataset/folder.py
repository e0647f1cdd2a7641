"""Images in one folder a class, wherever they come from; Brain Tumor MRI has that form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.duplicates import find_copies
from energy_sweep.dataset.pictures import ImagesRead, examples, read, read_all, resize_to, survey
from energy_sweep.dataset.reader import Reading
from energy_sweep.dataset.sides import find_layout
from energy_sweep.dataset.split import TEST, TRAIN, VALIDATION, Split
from energy_sweep.dataset.storage import Pixels
from energy_sweep.dataset.tree import Tree, scan, skipped_lines
from energy_sweep.record import BadInput


class ImageFile(NamedTuple):
    """An image file, the index of its class and the side it was published for (None: any)."""

    path: Path
    label: int
    side: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The images in root/CLASS, or in root/SIDE/CLASS (see `sides`), which are then used as such.

    Images of which one is a copy of the other (see `similarity`; their hashes differ in at most
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
        cut = Preprocessing(
            resolution=self.resolution,
            shift=self.shift,
            flip=self.flip,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        classes, found, notes = self._find()
        paths = [picture.path for picture in found]
        data = load_cached(self, cut, lambda: paths, lambda: self._split(cut, classes, found))
        return replace(data, found=data.found.with_notes(*notes))

    def _split(self, cut: Preprocessing, classes: tuple[str, ...], found: list[ImageFile]) -> Data:
        """Read all images, and keep copies of one on one side."""
        everything = self._read([picture.path for picture in found])
        labels = np.array([picture.label for picture in found], np.int64)
        names, notes = find_copies(
            everything.contents,
            everything.thumbnails,
            labels,
            bits=self.near_bits,
            smallest=everything.smallest,
            classes=classes,
        )
        sides = np.array([picture.side or TRAIN for picture in found])
        kept, lost = _exclude_copies(sides, np.array(names))
        whole = Split(everything.images, labels)
        given = {
            side: whole.part(np.flatnonzero(kept & (sides == side)))
            for side in (VALIDATION, TEST)
            if side in sides
        }
        self._check_filled(given, classes)
        mine = np.flatnonzero(kept & (sides == TRAIN))
        train = whole.part(mine) if given else whole
        return assemble(
            self.name,
            train.images,
            train.labels,
            classes=classes,
            cut=replace(cut, **dict.fromkeys(given)),
            names=[names[index] for index in mine],
            given=given,
            found=everything.found.with_notes(*notes, *lost),
            reading=everything.reading,
        )

    def _check_filled(self, given: Mapping[str, Split], classes: tuple[str, ...]) -> None:
        for side, part in given.items():
            for label, name in enumerate(classes):
                if not np.any(part.labels == label):
                    raise BadInput(
                        f"dataset={self.name}: all {side} images of class {name} are copies of "
                        f"test images: move {side} away, so that it is cut from train"
                    )

    def whole(self) -> Folder:
        """What all resolutions and fractions of this folder share, at a size that always loads."""
        return replace(self, resolution=32, fraction=1.0, shift=0)

    def _find(self) -> tuple[tuple[str, ...], list[ImageFile], tuple[str, ...]]:
        """The classes in the order of their names, all images, and what is to be said of them."""
        root = Path(self.root).expanduser()
        if not root.is_dir():
            raise BadInput(
                f"dataset={self.name}: there is no folder {root}: type dataset.root=FOLDER, "
                f"with images in FOLDER/{self._layout()}"
            )
        try:
            whole = scan(root)
            sides, notes = find_layout(whole, self.spellings)
        except BadInput as error:
            raise BadInput(f"dataset={self.name}: {error}") from error
        classes = tuple(sorted(set(self.spellings) or next(iter(sides.values()))))
        if len(classes) < 2:
            raise BadInput(self._too_few(whole, len(classes)))
        found: list[ImageFile] = []
        for side, folders in sides.items():
            for label, name in enumerate(classes):
                if name not in folders:
                    raise BadInput(
                        f"dataset={self.name}: class {name} has no images in {root}: add some"
                    )
                found += [ImageFile(path, label, side) for path in folders[name].pictures()]
        return classes, found, (*notes, *skipped_lines(whole))

    def _too_few(self, whole: Tree, count: int) -> str:
        folders = whole.folders.values()
        inside = next((folder for folder in folders if len(folder.nonempty()) > 1), None)
        said = f"dataset={self.name}: {whole.path} has {count} folders of images, and at least 2 "
        if inside is not None:
            return f"{said}classes are needed: type dataset.root={inside.path}"
        return f"{said}classes are needed: lay images out as {whole.path}/{self._layout()}"

    def _layout(self) -> str:
        classes = "|".join(sorted(self.spellings)) or "CLASS"
        return f"{classes}/*.png (or .jpg, ...), or in train/, val/ and test/ with such folders"

    def examples(self) -> list[Path]:
        """Some files of each form and mode that the data set has."""
        return examples([picture.path for picture in self._find()[1]])

    def pixels(self, path: Path, reading: Reading) -> Pixels:
        """A file as training sees it, [C, H, W]."""
        return resize_to(read(path, reading).pixels, self.resolution)

    def _read(self, paths: list[Path]) -> ImagesRead:
        """All images at the size asked for."""
        reading, headers = survey(paths, channels=self.channels, background=self.background)
        try:
            everything = read_all(paths, headers, reading, self.resolution)
        except BadInput as error:
            raise BadInput(f"dataset={self.name}: {error}") from error
        return replace(everything, found=replace(everything.found, source=self.root))


def _exclude_copies(sides: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Which images are no copies of any on a side that counts more, and a line for each such pair.

    Test counts most, and train least.
    """
    kept, lines = np.ones(len(sides), np.bool_), list[str]()
    for less, more in ((VALIDATION, TEST), (TRAIN, TEST), (TRAIN, VALIDATION)):
        lost = kept & (sides == less) & np.isin(names, names[sides == more])
        kept &= ~lost
        if count := int(lost.sum()):
            shown = "training" if less == TRAIN else less
            lines.append(f"{count:,} {shown} images are copies of {more} images and are left out")
    return kept, lines


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

    def _layout(self) -> str:
        published = "https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset"
        return f"{Folder._layout(self)}, as of {published}"

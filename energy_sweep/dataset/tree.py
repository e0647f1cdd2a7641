"""What lies in a folder and the folders in it: image files, and all else that is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from energy_sweep.dataset.reader import SUFFIXES
from energy_sweep.record import BadInput

# What systems and tools leave in folders; names that begin with a point are theirs as well.
TOOL_NAMES = """
    __macosx __pycache__ @eadir @tmp @recycle #recycle #snapshot $recycle.bin lost+found
    thumbs.db desktop.ini
"""
TOOLS = frozenset((*TOOL_NAMES.split(), "system volume information"))
# Images, or arrays that may be some, of forms that are not read.
FOREIGN_ENDS = """
    heic heif jxl jp2 j2k npy npz mat h5 hdf5 dcm dicom nii nrrd mha svg tga psd exr hdr ico
    raw dng cr2 cr3 nef arw orf rw2 tfrecord parquet mp4 avi mov
"""
FOREIGN = frozenset(f".{end}" for end in FOREIGN_ENDS.split())


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder: the images in it, the folders in it by name, and what is no image or a tool's."""

    path: Path
    images: list[Path] = field(default_factory=list[Path])
    folders: dict[str, Tree] = field(default_factory=dict[str, "Tree"])
    others: list[Path] = field(default_factory=list[Path])
    hidden: list[Path] = field(default_factory=list[Path])

    def walk(self) -> Iterator[Tree]:
        """This folder and all in it."""
        yield self
        for folder in self.folders.values():
            yield from folder.walk()

    def pictures(self) -> list[Path]:
        """All images in this folder and the folders in it."""
        return sorted(path for folder in self.walk() for path in folder.images)

    def nonempty(self) -> dict[str, Tree]:
        """The folders in this one that have images at any depth."""
        return {
            name: inside
            for name, inside in self.folders.items()
            if any(folder.images for folder in inside.walk())
        }


def scan(place: Path, above: tuple[str, ...] = ()) -> Tree:
    """A folder as it is, links followed; BadInput for one that cannot be listed, and for links
    that lead back or nowhere."""
    real = os.path.realpath(place)
    if real in above:
        raise BadInput(f"{place} is a link to a folder that it lies in: delete it")
    found = Tree(place)
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError as error:
        raise BadInput(
            f"{place} cannot be listed ({error.strerror}): type dataset.root=FOLDER, one that you "
            "may read"
        ) from error
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name.lower() in TOOLS:
            found.hidden.append(path)
        elif entry.is_dir():
            found.folders[entry.name] = scan(path, (*above, real))
        elif path.suffix.lower() not in SUFFIXES:
            found.others.append(path)
        elif entry.is_file():
            found.images.append(path)
        else:
            raise BadInput(f"{path} is a link to a file that is gone: replace or delete it")
    return found


def skipped_lines(whole: Tree) -> list[str]:
    """A line for each kind of file that is not read."""
    others = [path for folder in whole.walk() for path in folder.others]
    hidden = [path for folder in whole.walk() for path in folder.hidden]
    foreign = [path for path in others if path.suffix.lower() in FOREIGN]
    plain = [path for path in others if path.suffix.lower() not in FOREIGN]
    lines: list[str] = []
    if foreign:
        lines.append(
            f"left out, of forms that are not read: {count_suffixes(foreign)}: save them as .png"
        )
    if plain:
        lines.append(f"left out, no images: {count_suffixes(plain)}")
    if hidden:
        names = Counter(path.name for path in hidden)
        lines.append(f"left out, hidden or of tools: {_list_counts(names)}")
    return lines


def count_suffixes(paths: Iterable[Path]) -> str:
    """How many files have which ending."""
    return _list_counts(Counter(path.suffix.lower() or path.name for path in paths))


def _list_counts(counts: Counter[str], most: int = 5) -> str:
    shown = [f"{count:,} {name}" for name, count in counts.most_common(most)]
    return ", ".join(shown) + (", ..." if len(counts) > most else "")

"""Image files on disk: found class by class, and read whole or refused by name."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.storage import Pixels
from energy_sweep.record import BadInput

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
)
GREY = ("1", "L", "LA", "I;16", "I;16B", "I;16L")


def folders(place: Path) -> dict[str, Path]:
    """The folders in a folder, by name, without hidden ones; BadInput where it cannot be listed."""
    try:
        found = sorted(path for path in place.iterdir() if path.is_dir())
    except OSError as error:
        raise BadInput(
            f"{place} cannot be listed ({error.strerror}): type dataset.root=FOLDER, one that you "
            "may read"
        ) from error
    return {path.name: path for path in found if not path.name.startswith((".", "__"))}


def pictures(place: Path) -> list[Path]:
    """All image files below a folder, in the order of their paths."""
    return sorted(
        path
        for path in place.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def is_grey(path: Path) -> bool:
    """Whether a file says that it has one channel; BadInput where it cannot be opened."""
    with _opened(path) as image:
        return image.mode in GREY


def read(path: Path, *, channels: int) -> Pixels:
    """The pixels of a file as [channels, H, W], upright; BadInput names one that is damaged."""
    from PIL import ImageOps

    with _opened(path) as image:
        try:
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):
                upright = _eight_bits(np.asarray(upright))
            if upright.mode in ("I", "F"):
                raise BadInput(f"{path} has {upright.mode} pixels: save it with 8 or 16 bits each")
            pixels = np.asarray(upright.convert("L" if channels == 1 else "RGB"))
        except _errors() as error:
            raise _unreadable(path, error) from error
    return np.ascontiguousarray(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1))


def _opened(path: Path) -> Any:
    from PIL import Image

    try:
        return Image.open(path)
    except _errors() as error:
        raise _unreadable(path, error) from error


def _eight_bits(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray((pixels >> 8).astype(np.uint8))


def _errors() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that it cannot read."""
    from PIL import Image

    own = (Image.DecompressionBombError, struct.error)
    return (OSError, EOFError, ValueError, SyntaxError, LookupError, TypeError, *own)


def _unreadable(path: Path, error: Exception) -> BadInput:
    why = " ".join(str(error).split())[:150] or type(error).__name__
    return BadInput(f"{path} cannot be read as an image ({why}): replace or delete it")


def spelled(found: Mapping[str, Path], spellings: Mapping[str, tuple[str, ...]]) -> dict[str, Path]:
    """Folders under the names that `spellings` (name: other ways to write it) gives them.

    BadInput where two folders get one name.
    """
    names = {other: name for name, others in spellings.items() for other in (name, *others)}
    named: dict[str, Path] = {}
    for folder, path in found.items():
        name = names.get(folder.lower(), folder)
        if name in named:
            raise BadInput(f"{named[name]} and {path} are one class: put their images together")
        named[name] = path
    return named

"""Numbers of image files made into bytes, in one way for all files of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .decode import Values, decode

Pixels = npt.NDArray[np.uint8]
Limits = tuple[float, float]

ENDS = "png apng jpg jpeg jpe jfif bmp gif webp avif tif tiff pbm pgm ppm pnm pfm"
SUFFIXES = frozenset(f".{end}" for end in ENDS.split())
BITS = (8, 10, 12, 14, 16)  # what cameras and scanners give
WHITE = 255
LUMA = (19595, 38470, 7471)  # of 65,536: how bright red, green and blue are, after ITU-R BT.601


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How all files of a data set become bytes, in `channels` channels.

    In files of more than 8 bits a channel, the first of `whole` (whole numbers) or of `real`
    (numbers with a point) becomes 0 and the second 255; None where the data set has no such files.
    What can be seen through lies over a `background` of this grey.
    """

    channels: int
    whole: Limits | None = None
    real: Limits | None = None
    background: int = WHITE


class Picture(NamedTuple):
    """Pixels [C, H, W]; what is `odd` about a file, as its values beyond the limits; whether what
    it shows is `lost`, since it has the colour of the background."""

    pixels: Pixels
    odd: str | None
    lost: bool


def list_images(folder: Path) -> list[Path]:
    """All image files in a folder and the folders in it, but for hidden ones, in path order."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def extremes(path: Path) -> Limits:
    """The least and the largest number in a file, as far as it can be seen."""
    return _extremes(decode(path))


def usual_limits(least: float, largest: float, kind: str) -> Limits:
    """What becomes 0 and 255 where these are the extremes of all files.

    From 0 to the largest number of the fewest usual bits that hold it, or to 1 for real numbers
    that stay below; as they are where some are negative or larger.
    """
    if least < 0:
        return least, max(largest, least + 1)
    if kind == "real" and largest <= 1:
        return 0.0, 1.0
    return 0, next((2**bits - 1 for bits in BITS if largest < 2**bits), largest)


def read(path: Path, reading: Reading) -> Picture:
    """A file's pixels, upright; Unreadable where it is damaged or no image."""
    found = decode(path)
    limits, odd = _limits(found, reading)
    pixels = _to_bytes(found, limits, reading.background)
    flat = (pixels == pixels[:1, :1]).all()
    lost = found.alpha is not None and bool(flat and found.alpha.min() < found.alpha.max())
    if reading.channels == 1 and pixels.shape[2] == 3:
        pixels = ((pixels @ np.array(LUMA) + 2**15) >> 16)[..., None].astype(np.uint8)
    elif reading.channels == 3 and pixels.shape[2] == 1:
        pixels = pixels.repeat(3, axis=2)
    return Picture(np.ascontiguousarray(pixels.transpose(2, 0, 1)), odd, lost)


def _limits(found: Values, reading: Reading) -> tuple[Limits, str | None]:
    """What becomes 0 and 255, and what is odd about that."""
    if found.kind == "bytes":
        return (0, WHITE), None
    least, largest = _extremes(found)
    known = reading.whole if found.kind == "whole" else reading.real
    if known is None:
        own = usual_limits(least, largest, found.kind)
        return own, f"no image of the data set has such values: {own[1]:g} becomes white here"
    if known[0] <= least and largest <= known[1]:
        return known, None
    return known, f"values {least:g} to {largest:g} are cut to {known[0]:g} to {known[1]:g}"


def _extremes(found: Values) -> Limits:
    colour = found.colour
    if found.alpha is not None and found.alpha.any():
        colour = colour[found.alpha > 0]
    return colour.min().item(), colour.max().item()


def _to_bytes(found: Values, limits: Limits, background: int) -> Pixels:
    """Numbers between the limits as 0 to 255, over the background, rounded once."""
    if found.kind == "bytes" and found.alpha is None:
        return found.colour
    real = found.kind == "real"
    exact = np.float64 if real else np.int64
    least, largest = (exact(limit) for limit in limits)
    total = 255 * (np.clip(found.colour.astype(exact), least, largest) - least)
    whole = largest - least
    if found.alpha is not None:
        alpha = found.alpha.astype(exact)[..., None]
        total = total * alpha + background * whole * (found.opaque - alpha)
        whole = whole * found.opaque
    rounded = np.floor(total / whole + 0.5) if real else (2 * total + whole) // (2 * whole)
    return rounded.astype(np.uint8)

"""Arrays of numbers made into bytes, by the rule that image files of more than 8 bits follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from energy_sweep.dataset.reader import Limits, usual_limits
from energy_sweep.dataset.storage import Pixels, allocate, chunks
from energy_sweep.record import BadInput

BYTES = (0, 255)
EXACT = 2**44  # 510 times as much is still a whole number of 64 bits
SAMPLE = 2**18  # pixels
LEVELS = 8  # grey levels: where fewer are left of many different numbers, a picture is lost


@dataclass(frozen=True, slots=True)
class ScaledPixels:
    """Bytes of the shape of the numbers; the first of `limits` became 0 and the second 255."""

    pixels: Pixels
    limits: Limits
    kind: str  # "whole" or "real"


def as_bytes(images: np.ndarray, where: str) -> ScaledPixels:
    """Numbers of any type as bytes; BadInput for NaN, and where hardly a grey level is left."""
    if images.dtype == np.uint8:
        return ScaledPixels(images, BYTES, "whole")
    if images.dtype.kind == "b":
        return ScaledPixels(images.view(np.uint8) * np.uint8(255), (0, 1), "whole")
    kind = "real" if images.dtype.kind == "f" else "whole"
    if kind == "real" and not all(np.isfinite(images[part]).all() for part in chunks(images.shape)):
        raise BadInput(
            f"{where}: images hold NaN or infinity: give numbers, as of "
            "numpy.nan_to_num(images, posinf=0, neginf=0) where 0 is right"
        )
    number = float if kind == "real" else int
    limits = usual_limits(number(images.min()), number(images.max()), kind)
    pixels = allocate(images.shape)
    for part in chunks(images.shape):
        pixels[part] = _scale(images[part], limits, kind)
    _check_levels(images, pixels, limits, where)
    return ScaledPixels(pixels, limits, kind)


def check_numbers(images: np.ndarray, where: str) -> None:
    """BadInput for arrays of anything but numbers, with what makes numbers of them."""
    said = f"{where}: images are"
    if images.dtype.names is not None:
        names = images.dtype.names
        raise BadInput(
            f"{said} records of {', '.join(names)}: give one array of numbers, such as "
            f"images['{names[0]}']"
        )
    if images.dtype.kind == "O":
        raise BadInput(
            f"{said} objects: give one array of numbers, as of numpy.stack(images) where all have "
            "one size"
        )
    if images.dtype.kind == "c":
        raise BadInput(f"{said} {images.dtype}: give real numbers, such as numpy.abs(images)")
    if images.dtype.kind not in "biuf":
        kind = "text" if images.dtype.kind in "SU" else images.dtype.name
        raise BadInput(f"{said} {kind}: give numbers")


def _scale(numbers: np.ndarray, limits: Limits, kind: str) -> Any:
    """Between the limits as 0 to 255, rounded once."""
    least, largest = limits
    span = largest - least
    if kind == "whole" and max(abs(least), abs(largest)) < EXACT:
        least, span = int(least), int(span)
        return (510 * (numbers.astype(np.int64) - least) + span) // (2 * span)
    return np.floor(255 * ((numbers.astype(np.float64) - least) / span) + 0.5)


def _check_levels(images: np.ndarray, pixels: Pixels, limits: Limits, where: str) -> None:
    """BadInput where a few far values, or a range that is not theirs, leave hardly a level."""
    some = slice(None, None, max(1, images.size // SAMPLE))
    before, left = images[some], len(np.unique(pixels[some]))
    if left >= LEVELS or len(np.unique(before)) < LEVELS * left:
        return
    low, high = _bulk_range(before)
    raise BadInput(
        f"{where}: images would keep only {left} grey level{'s' if left > 1 else ''}, "
        f"{limits[0]:g} as black and {limits[1]:g} as white: give bytes, as of "
        f"numpy.interp(images, ({low:.4g}, {high:.4g}), (0, 255)).round().astype('uint8')"
    )


def _bulk_range(numbers: np.ndarray) -> Limits:
    """Between which numbers most of them lie."""
    for share in (0.01, 0.001, 0.0):
        low, high = np.quantile(numbers.astype(np.float64), (share, 1 - share)).tolist()
        if low < high:
            return low, high
    raise ValueError("all numbers are equal")

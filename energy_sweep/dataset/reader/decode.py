"""Image files as the numbers that are in them, whole: whatever their form, mode and bits."""

from __future__ import annotations

import struct
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

GREY = ("1", "L", "LA", "La")
DEEP = {"I;16": "whole", "I;16B": "whole", "I;16L": "whole", "I": "whole", "F": "real"}
ORIENTATION = 0x0112  # EXIF's tag
SAMPLES, PLANES = 258, 284  # TIFF's tags: bits of each channel; 2: each channel lies apart
OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}


class Unreadable(Exception):
    """A file that gives no pixels; the text says why, in one line without the file's name."""


class ImageHeader(NamedTuple):
    """What a file says of itself before it is decoded; `values` is bytes, whole or real."""

    form: str
    mode: str
    grey: bool
    values: str
    alpha: bool
    turned: bool
    several: bool


class Values(NamedTuple):
    """Numbers [H, W, 1 or 3] as a file has them, and how opaque each is, of `opaque` at most."""

    colour: npt.NDArray[Any]
    kind: str
    alpha: npt.NDArray[Any] | None
    opaque: int


def read_header(path: Path) -> ImageHeader:
    """What the head of a file says; Unreadable where it is none of an image."""
    with _open(path) as image:
        raw = _raw_mode(image)
        wide = _is_wide(image, raw)
        values = "whole" if wide else DEEP.get(image.mode, "bytes")
        known = image.format != "PNG" or "exif" in image.info  # else a PNG is decoded to look
        return ImageHeader(
            form=image.format or "",
            mode=f"{raw.split(';')[0]} of 16 bits" if wide else image.mode,
            grey=image.mode in (*GREY, *DEEP) or raw == "LA;16B",
            values=values,
            alpha=image.has_transparency_data,
            turned=known and image.getexif().get(ORIENTATION, 1) not in (0, 1),
            several=bool(getattr(image, "is_animated", False)),
        )


def decode(path: Path) -> Values:
    """All numbers of a file, upright; Unreadable where it is damaged or no image."""
    with _open(path) as image:
        raw = _raw_mode(image)
        if _is_wide(image, raw):
            return _wide_values(path, image, raw)
        upright = _turn_upright(image)
        if upright.mode in DEEP:
            return _deep_values(upright)
        alpha = upright.has_transparency_data
        wanted = ("LA" if alpha else "L") if upright.mode in GREY else "RGBA" if alpha else "RGB"
        pixels = np.atleast_3d(np.asarray(upright.convert(wanted)))
        if alpha:
            return Values(pixels[..., :-1], "bytes", pixels[..., -1], 255)
        return Values(pixels, "bytes", None, 255)


def _deep_values(image: Any) -> Values:
    """Grey of more than 8 bits; PNG can name one value that is seen through."""
    numbers = np.asarray(image)
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise Unreadable("it holds NaN or infinity")
    clear = image.info.get("transparency")
    alpha = np.where(numbers == clear, 0, 1) if isinstance(clear, int) else None
    return Values(numbers[..., None], DEEP[image.mode], alpha, 1)


def _wide_values(path: Path, image: Any, raw: str) -> Values:
    """Colours of 16 bits, of which Pillow keeps the high bytes, and the low ones if it is told
    that the bytes come in the other order."""
    clear = image.info.get("transparency")
    if raw == "LA;16B":
        four = np.asarray(_turn_upright(_reinterpret(image, "RGBA"))).astype(np.int64)
        numbers = four[..., ::2] * 256 + four[..., 1::2]
    else:
        with _open(path) as again:
            low = np.asarray(_turn_upright(_reinterpret(again, raw[:-1] + OTHER_ORDER[raw[-1]])))
        numbers = np.asarray(_turn_upright(image)).astype(np.int64) * 256 + low
    if numbers.shape[2] in (2, 4):
        return Values(numbers[..., :-1], "whole", numbers[..., -1], 2**16 - 1)
    alpha = (numbers != np.array(clear)).any(axis=2) if isinstance(clear, tuple) else None
    return Values(numbers, "whole", alpha, 1)


def _raw_mode(image: Any) -> str:
    """How the numbers lie in the file, in Pillow's words."""
    given = image.tile[0][3] if image.tile else ""
    return str(given[0] if isinstance(given, tuple) and given else given)


def _is_wide(image: Any, raw: str) -> bool:
    """Whether a file has 16 bits for each of several channels; Unreadable where Pillow would keep
    only some of them."""
    if image.mode in DEEP:
        return False
    known = raw == "LA;16B" or raw[:-1] in ("RGB;16", "RGBA;16", "RGBX;16")
    tags = getattr(image, "tag_v2", {})
    deep = ";16" in raw or max(tags.get(SAMPLES, (8,))) > 8
    coded = image.tile[0] if image.tile else None
    if image.format == "PPM" and coded is not None and coded[0].startswith("ppm"):
        deep = coded[3][-1] > 255
    if deep and (not known or tags.get(PLANES) == 2):
        raise Unreadable("it has more than 8 bits a channel in a form that is not read whole")
    return deep


def _reinterpret(image: Any, raw: str) -> Any:
    """The image, to be decoded as if its numbers lay so."""
    tiles = [list(tile) for tile in image.tile]
    for tile in tiles:
        tile[3] = (raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw
    image.tile = [type(old)(*new) for old, new in zip(image.tile, tiles, strict=True)]
    return image


def _turn_upright(image: Any) -> Any:
    from PIL import ImageOps

    image.load()
    return ImageOps.exif_transpose(image)


@contextmanager
def _open(path: Path) -> Generator[Any]:
    """A file, opened by what is in it; Pillow is not told its name, since it then maps some files,
    and mixes up the pixels of grey TIFF that is turned."""
    from PIL import Image, UnidentifiedImageError

    own = (Image.DecompressionBombError, struct.error)
    kinds = (OSError, EOFError, ValueError, SyntaxError, LookupError, TypeError, *own)
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                yield image
    except UnidentifiedImageError as error:
        raise Unreadable("it holds no image of a known form") from error
    except kinds as error:
        strerror = error.strerror if isinstance(error, OSError) else None
        why = " ".join(str(strerror or error).split())[:150] or type(error).__name__
        raise Unreadable(why) from error

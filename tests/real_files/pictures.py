"""Awkward picture files, and what each of them shows, worked out by hand and written down here."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from picture_files import blocks, drawn, png, saved, tiff, turned
from PIL import Image

WHOLE, REAL = "whole", "real"


class Shown(NamedTuple):
    """A file and its pixels, [H][W] of grey or [H][W][3] of colour; `limits` are the values that
    become 0 and 255, and `background` is what it is laid over."""

    data: bytes
    pixels: Any
    limits: tuple[str, float, float] | None = None
    background: int = 255
    end: str = "png"


class Refused(NamedTuple):
    """A file that is refused, and how."""

    data: bytes
    words: str
    end: str = "png"


GREY = [[0, 51, 102], [153, 204, 255]]
INVERSE = [[255, 204, 153], [102, 51, 0]]
SIX = np.array([[40, 80, 120], [160, 200, 240]])
COLOUR = [[[255, 0, 0], [0, 128, 0]], [[0, 0, 255], [10, 20, 30]]]
PALETTE = [255, 0, 0, 0, 255, 0, 0, 0, 255]
SHADES = [[[0, 255], [0, 0], [0, 51]], [[100, 255], [200, 0], [100, 51]]]  # grey, opacity
OVER_WHITE = [[0, 255, 204], [100, 255, 224]]
BITS_12 = [[0, 4095, 2048], [8, 9, 1000]]
OF_12 = [[0, 255, 128], [0, 1, 62]]
FULL = [[0, 128, 129], [257, 65535, 32768]]
OF_FULL = [[0, 0, 1], [1, 255, 128]]
DEEP = [[[4095, 0, 819], [1638, 2457, 4095]]]
OF_DEEP = [[[255, 0, 51], [102, 153, 255]]]
TWELVE, SIXTEEN = (WHOLE, 0, 4095), (WHOLE, 0, 65535)
# By orientation, as EXIF defines it: 1 to 6 stand for 40, 80, ... 240.
ORDERS = {
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}


def _alpha(colour: int) -> list[list[list[int]]]:
    """Drawings that are in the opacity alone."""
    return [[[colour, value] for value in row] for row in GREY]


def _cmyk(*inks: Any) -> Image.Image:
    return Image.merge("CMYK", [drawn(ink) for ink in inks])


def _transparent_palette(form: str, **options: Any) -> bytes:
    image = Image.new("P", (2, 2))
    image.putpalette(PALETTE)
    image.putdata([0, 1, 2, 1])
    return saved(image, form, **options)


def _palette_and_alpha() -> bytes:
    image = Image.new("PA", (3, 2))
    image.putpalette([0, 0, 0])
    image.putalpha(drawn(GREY))
    return saved(image, "TIFF")


def _frames(form: str, **options: Any) -> bytes:
    first, *others = (Image.new("RGB", (3, 2), c) for c in ("red", "blue", "lime"))
    return saved(first, form, save_all=True, append_images=others, **options)


def _pixels_of(rows: Any) -> Any:
    return np.repeat(np.repeat(rows, 8, axis=0), 8, axis=1).tolist()


def _netpbm(head: str, numbers: Any) -> bytes:
    return head.encode() + b"\n" + np.asarray(numbers, ">u2").tobytes()


RED = [[[255, 0, 0]] * 3] * 2
PALETTE_SHOWN = [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 255, 0]]]
HOLES = [[[255, 0, 0], [255, 255, 255]], [[204, 204, 255], [255, 255, 255]]]
NOT_GREEN = [[[255, 0, 0], [255, 255, 255]], [[0, 0, 255], [255, 255, 255]]]
INKS = ([[51, 0], [0, 0]], [[0, 255], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [102, 255]])
INKED = [[[204, 255, 255], [255, 0, 255]], [[153, 153, 153], [0, 0, 0]]]
NONE = np.zeros((8, 16), np.uint8)
PHOTO = saved(blocks(10, 200, 90), "JPEG", quality=100)
STEPS = _pixels_of([[10, 200, 90]])
RGBA = np.dstack([np.array(COLOUR), [[255, 0], [51, 255]]])
SEEN_RGBA = [[[255, 0, 0], [255, 255, 255]], [[204, 204, 255], [10, 20, 30]]]
RGBA_16 = [[[4095, 0, 819, 65535], [0, 0, 0, 13107]]]
LA_16 = [[[0, 13107], [4095, 65535], [819, 65535]]]
TURNED = {
    f"turned by EXIF {n}": Shown(png(SIX, orientation=n), (40 * np.array(order)).tolist())
    for n, order in ORDERS.items()
}

SHOWN: dict[str, Shown] = {
    "L": Shown(png(GREY), GREY),
    "L, interlaced": Shown(
        png(np.arange(99).reshape(9, 11), interlaced=True), np.arange(99).reshape(9, 11).tolist()
    ),
    "L of 2 bits": Shown(png([[0, 1, 2], [3, 2, 1]], bits=2), [[0, 85, 170], [255, 170, 85]]),
    "1": Shown(png([[0, 1, 1], [1, 0, 1]], bits=1), [[0, 255, 255], [255, 0, 255]]),
    "L, white is 0": Shown(tiff(GREY, "<u1", photometric=0), INVERSE, end="tif"),
    "L, one value clear": Shown(
        png(GREY, clear=struct.pack(">H", 51)), [[0, 255, 102], [153, 204, 255]]
    ),
    "LA": Shown(png(SHADES), OVER_WHITE),
    "LA, alpha only": Shown(png(_alpha(0)), INVERSE),
    "LA, white drawing on black": Shown(png(_alpha(255)), GREY, background=0),
    "P": Shown(png([[0, 1], [2, 1]], palette=PALETTE), PALETTE_SHOWN),
    "P with opacities": Shown(png([[0, 1], [2, 1]], palette=PALETTE, clear=b"\xff\0\x33"), HOLES),
    "P, GIF": Shown(_transparent_palette("GIF"), PALETTE_SHOWN, end="gif"),
    "P, GIF with a clear colour": Shown(
        _transparent_palette("GIF", transparency=1), NOT_GREEN, end="gif"
    ),
    "P, BMP": Shown(_transparent_palette("BMP"), PALETTE_SHOWN, end="bmp"),
    "PA, alpha only": Shown(
        _palette_and_alpha(), [[[v] * 3 for v in row] for row in INVERSE], end="tif"
    ),
    "RGB": Shown(png(COLOUR), COLOUR),
    "RGB, one colour clear": Shown(
        png(COLOUR, clear=struct.pack(">HHH", 10, 20, 30)),
        [COLOUR[0], [[0, 0, 255], [255, 255, 255]]],
    ),
    "RGBA": Shown(png(RGBA), SEEN_RGBA),
    "RGBA, interlaced": Shown(png(RGBA, interlaced=True), SEEN_RGBA),
    "RGBA, WebP": Shown(
        saved(drawn(RGBA), "WEBP", lossless=True, exact=True), SEEN_RGBA, end="webp"
    ),
    "RGB, PPM": Shown(b"P6 2 2 255\n" + np.array(COLOUR, "u1").tobytes(), COLOUR, end="ppm"),
    "CMYK": Shown(saved(_cmyk(*INKS), "TIFF"), INKED, end="tif"),
    "CMYK, JPEG": Shown(
        saved(_cmyk(NONE, NONE, NONE, blocks(55, 255)), "JPEG", quality=100),
        _pixels_of([[[200] * 3, [0] * 3]]),
        end="jpg",
    ),
    "L, JPEG": Shown(PHOTO, STEPS, end="jpg"),
    "L, progressive": Shown(
        saved(blocks(10, 200, 90), "JPEG", quality=100, progressive=True), STEPS, end="jpg"
    ),
    "JPEG turned": Shown(
        saved(blocks(10, 200, 90), "JPEG", quality=100, exif=b"Exif\0\0" + turned(6)),
        _pixels_of([[10], [200], [90]]),
        end="jpg",
    ),
    "I;16": Shown(png(FULL, bits=16), OF_FULL, SIXTEEN),
    "I;16 of 12 bits": Shown(png(BITS_12, bits=16), OF_12, TWELVE),
    "I;16 of 10 bits": Shown(
        png([[0, 1023], [512, 300]], bits=16), [[0, 255], [128, 75]], (WHOLE, 0, 1023)
    ),
    "I;16 of 14 bits": Shown(
        tiff([[0, 16383], [4096, 12000]], "<u2"),
        [[0, 255], [64, 187]],
        (WHOLE, 0, 16383),
        end="tif",
    ),
    "I;16 of 8 bits": Shown(png(GREY, bits=16), GREY, (WHOLE, 0, 255)),
    "I;16, one value clear": Shown(
        png([[0, 500], [4095, 819]], bits=16, clear=struct.pack(">H", 500)),
        [[0, 255], [255, 51]],
        TWELVE,
    ),
    "I;16, TIFF, compressed": Shown(
        tiff(BITS_12, "<u2", compressed=True), OF_12, TWELVE, end="tif"
    ),
    "I;16B": Shown(tiff(BITS_12, ">u2"), OF_12, TWELVE, end="tif"),
    "I;16, turned": Shown(
        tiff(SIX * 257, "<u2", orientation=6),
        (40 * np.array(ORDERS[6])).tolist(),
        SIXTEEN,
        end="tif",
    ),
    "L, TIFF, turned": Shown(
        tiff(SIX, "<u1", orientation=8), (40 * np.array(ORDERS[8])).tolist(), end="tif"
    ),
    "I, signed": Shown(
        tiff([[-1000, 0, 3000]], "<i2"), [[0, 64, 255]], (WHOLE, -1000, 3000), end="tif"
    ),
    "I of 32 bits": Shown(
        tiff([[0, 100_000, 20_000]], "<i4"), [[0, 255, 51]], (WHOLE, 0, 100_000), end="tif"
    ),
    "F to 1": Shown(tiff([[0, 0.2, 1]], "<f4"), [[0, 51, 255]], (REAL, 0, 1), end="tif"),
    "F to 1000": Shown(tiff([[0, 341, 1000]], "<f4"), [[0, 85, 249]], (REAL, 0, 1023), end="tif"),
    "PGM of 12 bits in 16": Shown(
        _netpbm("P5 3 1 65535", [4095, 0, 1365]), [[255, 0, 85]], TWELVE, end="pgm"
    ),
    "PGM that says 12 bits": Shown(
        _netpbm("P5 3 1 4095", [4095, 0, 1365]), [[255, 0, 85]], SIXTEEN, end="pgm"
    ),
    "RGB of 16 bits": Shown(png(DEEP, bits=16), OF_DEEP, TWELVE),
    "RGB of 16 bits, interlaced": Shown(png(DEEP, bits=16, interlaced=True), OF_DEEP, TWELVE),
    "RGB of 16 bits, one colour clear": Shown(
        png(DEEP, bits=16, clear=struct.pack(">HHH", 4095, 0, 819)),
        [[[255] * 3, [102, 153, 255]]],
        TWELVE,
    ),
    "RGBA of 16 bits": Shown(png(RGBA_16, bits=16), [[[255, 0, 51], [204] * 3]], TWELVE),
    "LA of 16 bits": Shown(png(LA_16, bits=16), [[204, 255, 51]], TWELVE),
    "RGB of 16 bits, TIFF": Shown(tiff(DEEP, "<u2"), OF_DEEP, TWELVE, end="tif"),
    "RGB of 16 bits, TIFF from a Mac": Shown(
        tiff(DEEP, ">u2", compressed=True), OF_DEEP, TWELVE, end="tif"
    ),
    "GIF, animated": Shown(_frames("GIF"), RED, end="gif"),
    "WebP, animated": Shown(_frames("WEBP", lossless=True), RED, end="webp"),
    "APNG": Shown(_frames("PNG"), RED),
    "TIFF of several pages": Shown(_frames("TIFF"), RED, end="tif"),
    "JPEG called PNG": Shown(PHOTO, STEPS),
    "PNG called JPEG": Shown(png(GREY), GREY, end="jpg"),
    "narrow": Shown(png([[7], [8], [9]]), [[7], [8], [9]]),
    "one pixel": Shown(png([[[1, 2, 3]]]), [[[1, 2, 3]]]),
    **TURNED,
}

LARGE = drawn(np.random.default_rng(0).integers(0, 256, (64, 64, 3)))
CUT = {
    form: Refused(data[: len(data) // 2], "truncated|could not|known form|enough", end)
    for form, end in (
        *(("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("BMP", "bmp")),
        *(("TIFF", "tif"), ("WEBP", "webp"), ("PPM", "ppm")),
    )
    for data in [saved(LARGE, form)]
}
REFUSED: dict[str, Refused] = {
    **{f"{form}, truncated": refused for form, refused in CUT.items()},
    "no bytes": Refused(b"", "no image of a known form"),
    "a web page": Refused(b"<html>404</html>", "no image of a known form", "jpg"),
    "not a number": Refused(tiff([[0, float("nan")]], "<f4"), "NaN or infinity", "tif"),
    "16 bits in planes": Refused(tiff(DEEP, "<u2", planes=True), "more than 8 bits", "tif"),
    "PPM of 16 bits": Refused(_netpbm("P6 2 1 65535", DEEP), "more than 8 bits", "ppm"),
}

"""Image files written byte by byte, in forms that Pillow does not write, or not so that one can
say what is in them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's colour types, by channels
# Adam7: where each of the seven passes starts, and how far apart its pixels are.
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
PASSES = (*PASSES, (1, 0, 2, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def turned(orientation: int) -> bytes:
    """EXIF that holds an orientation, as a camera writes it."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", 1) + entry + struct.pack(">I", 0)


def png(
    pixels: Any,
    *,
    bits: int = 8,
    interlaced: bool = False,
    palette: Any = None,
    clear: bytes | None = None,
    orientation: int | None = None,
) -> bytes:
    """A PNG of these numbers [H, W] or [H, W, C]; `clear` is what tRNS holds."""
    numbers = np.asarray(pixels)
    channels = 1 if numbers.ndim == 2 else numbers.shape[2]
    kind = 3 if palette is not None else KINDS[channels]
    height, width = numbers.shape[:2]
    data = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))
    if palette is not None:
        data += chunk(b"PLTE", bytes(palette))
    if clear is not None:
        data += chunk(b"tRNS", clear)
    if orientation is not None:
        data += chunk(b"eXIf", turned(orientation))
    parts = [numbers]
    if interlaced:
        parts = [numbers[y::down, x::right] for y, x, down, right in PASSES]
    lines = b"".join(b"\0" + _packed(line, bits) for part in parts if part.size for line in part)
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _packed(line: np.ndarray, bits: int) -> bytes:
    if bits >= 8:
        return line.astype(f">u{bits // 8}").tobytes()
    text = "".join(f"{number:0{bits}b}" for number in line.tolist())
    return bytes(int(text[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8))


def tiff(
    pixels: Any,
    dtype: str,
    *,
    photometric: int | None = None,
    compressed: bool = False,
    planes: bool = False,
    orientation: int | None = None,
) -> bytes:
    """A TIFF of one strip, of these numbers in `dtype` (which says the order of its bytes)."""
    numbers = np.asarray(pixels)
    channels = 1 if numbers.ndim == 2 else numbers.shape[2]
    kind = np.dtype(dtype)
    order = ">" if dtype[0] == ">" else "<"
    data = (numbers.transpose(2, 0, 1) if planes else numbers).astype(kind).tobytes()
    if compressed:
        data = zlib.compress(data)
    bits = struct.pack(f"{order}{channels}H", *[8 * kind.itemsize] * channels)
    photometric = (1 if channels == 1 else 2) if photometric is None else photometric
    tags = {
        256: numbers.shape[1],
        257: numbers.shape[0],
        258: 8 * kind.itemsize if channels == 1 else None,
        259: 8 if compressed else 1,
        262: photometric,
        273: None,
        274: orientation,
        277: channels,
        278: numbers.shape[0],
        279: len(data),
        284: 2 if planes else 1,
        338: 2 if channels == 4 and photometric == 2 else None,
        339: {"u": 1, "i": 2, "f": 3}[kind.kind],
    }
    kept = {tag: value for tag, value in tags.items() if value is not None or tag in (258, 273)}
    end = 8 + 2 + 12 * len(kept) + 4
    out = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(kept))
    for tag, value in kept.items():
        if tag == 258 and value is None:
            out += struct.pack(f"{order}HHII", tag, 3, channels, end)
        elif tag in (273, 279):
            out += struct.pack(f"{order}HHII", tag, 4, 1, value or end + len(bits))
        else:
            out += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    return out + struct.pack(f"{order}I", 0) + bits + data


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """What Pillow writes."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def drawn(pixels: Any, mode: str | None = None) -> Image.Image:
    return Image.fromarray(np.asarray(pixels, np.uint8), mode)


def blocks(*levels: int) -> Image.Image:
    """Squares of 8 x 8 of one grey each, side by side: JPEG of full quality holds them exactly."""
    return drawn(np.repeat(np.repeat([levels], 8, axis=0), 8, axis=1))

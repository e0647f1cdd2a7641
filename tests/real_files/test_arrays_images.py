"""Arrays of every type, order and shape that people have: the bytes that each must become.

The outcome of each input was written down before the code ran: `WANTED` is the picture of one image
in bytes, laid out as [C, H, W], whatever the array is made of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arrays_of_mine import COLOUR, COUNT, GREY, LAST, TWO, load, pictures
from PIL import Image

from energy_sweep.dataset import reader
from energy_sweep.dataset.arrays import Arrays
from energy_sweep.record import BadInput

DEEP = np.random.default_rng(1).integers(0, 4096, GREY.shape)
DEEP[0, 0, :2] = 0, 4095
BLACK_WHITE = GREY > 99


def as_range(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """What must become of numbers of which `low` is black and `high` is white."""
    return np.floor(255 * (numbers.astype(float) - low) / (high - low) + 0.5).astype(np.uint8)


def backwards(images: np.ndarray) -> np.ndarray:
    """The same array, lying the other way round in memory."""
    return np.ascontiguousarray(images[::-1, :, ::-1])[::-1, :, ::-1]


def frozen(images: np.ndarray) -> np.ndarray:
    images = images.copy()
    images.flags.writeable = False
    return images


# name: (what is given, the images that must come of it, a word of the note or None)
TAKEN: dict[str, tuple[Any, np.ndarray, str | None]] = {
    "uint8": (GREY, GREY[:, None], None),
    "a list of lists": (GREY.tolist(), GREY[:, None], None),
    "a list of arrays": (list(GREY), GREY[:, None], None),
    "uint8 [N, 1, H, W]": (GREY[:, None], GREY[:, None], None),
    "uint8 [N, H, W, 1]": (GREY[..., None], GREY[:, None], None),
    "uint8 [N, 3, H, W]": (COLOUR, COLOUR, None),
    "uint8 [N, H, W, 3]": (LAST, COLOUR, None),
    "Fortran order": (np.asfortranarray(LAST), COLOUR, None),
    "Fortran order, grey": (np.asfortranarray(GREY), GREY[:, None], None),
    "negative strides": (backwards(GREY), GREY[:, None], None),
    "every second column of a wider array": (
        np.repeat(GREY, 2, axis=2)[:, :, ::2],
        GREY[:, None],
        None,
    ),
    "read-only": (frozen(LAST), COLOUR, None),
    "bool": (BLACK_WHITE, 255 * BLACK_WHITE[:, None].astype(np.uint8), "bool"),
    "int8, -128 to 127": (
        (GREY.astype(np.int16) - 128).astype(np.int8),
        GREY[:, None],
        "-128 becomes 0 and 127 becomes 255",
    ),
    "int16, 0 to 255": (GREY.astype(np.int16), GREY[:, None], None),
    "uint16, 0 to 255": (GREY.astype(np.uint16), GREY[:, None], None),
    "int32, 0 to 255": (LAST.astype(np.int32), COLOUR, None),
    "uint32, 0 to 255": (GREY.astype(np.uint32), GREY[:, None], None),
    "int64, 0 to 255": (GREY.astype(np.int64), GREY[:, None], None),
    "uint64, 0 to 255": (GREY.astype(np.uint64), GREY[:, None], None),
    "big-endian int16": (GREY.astype(">i2"), GREY[:, None], None),
    "uint16 of 12 bits": (
        DEEP.astype(np.uint16),
        as_range(DEEP, 0, 4095)[:, None],
        "0 becomes 0 and 4095 becomes 255",
    ),
    "big-endian uint16 of 12 bits": (
        DEEP.astype(">u2"),
        as_range(DEEP, 0, 4095)[:, None],
        "0 becomes 0 and 4095 becomes 255",
    ),
    "uint16 of 16 bits": (
        (DEEP * 16 + 15).astype(np.uint16),
        as_range(DEEP * 16 + 15, 0, 65535)[:, None],
        "0 becomes 0 and 65535 becomes 255",
    ),
    "int16 below 0, as of CT scans": (
        (DEEP - 1024).astype(np.int16),
        as_range(DEEP, 0, 4095)[:, None],
        "-1024 becomes 0 and 3071 becomes 255",
    ),
    "uint64 beyond int64": (
        DEEP.astype(np.uint64) << np.uint64(52),
        as_range(DEEP, 0, 4095)[:, None],
        "0 becomes 0",
    ),
    "float32, 0 to 1": (np.float32(GREY / 255), GREY[:, None], "0 becomes 0 and 1 becomes 255"),
    "float64, 0 to 1": (LAST / 255, COLOUR, "0 becomes 0 and 1 becomes 255"),
    "float16, 0 to 1": (np.float16(GREY / 255), GREY[:, None], "1 becomes 255"),
    "longdouble, 0 to 1": (GREY / np.longdouble(255), GREY[:, None], "1 becomes 255"),
    "big-endian float64": ((GREY / 255).astype(">f8"), GREY[:, None], "1 becomes 255"),
    "float32, 0 to 255": (GREY.astype(np.float32), GREY[:, None], "255 becomes 255"),
    "float64, 0 to 255 with fractions": (
        GREY + 0.25 * (GREY < 255),
        GREY[:, None],
        "255 becomes 255",
    ),
    "float32, -1 to 1": (
        np.float32(GREY / 127.5 - 1),
        GREY[:, None],
        "-1 becomes 0 and 1 becomes 255",
    ),
    "float64 of 12 bits": (DEEP / 1.0, as_range(DEEP, 0, 4095)[:, None], "4095 becomes 255"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_every_array_becomes_the_bytes_that_it_shows(name: str) -> None:
    given, wanted, note = TAKEN[name]
    before = np.array(given, copy=True)
    data = load(given)
    assert set(pictures(data)) == {image.tobytes() for image in wanted}
    assert data.shape == wanted.shape[1:] and data.train.images.dtype == np.uint8
    assert data.summary.found.images == COUNT
    told = " ".join(data.summary.found.notes)
    assert (note is None and not told) or (note is not None and note in told)
    assert np.array_equal(np.asarray(given), before), "what is given stays as it is"


MANY = np.arange(COUNT * 20.0).reshape(GREY.shape)
SPARK = GREY.astype(np.float64).copy()
SPARK[3, 2, 1] = 1e7
RECORDS = np.zeros(GREY.shape, [("red", "u1"), ("blue", "u1")])
CURE = r"numpy\.interp\(images, \(.*\), \(0, 255\)\)\.round\(\)\.astype\('uint8'\)"
# name: (what is given, what the one line says)
REFUSED: dict[str, tuple[Any, str]] = {
    "complex": (GREY + 0j, r"images are complex128: .*numpy\.abs\(images\)"),
    "records": (RECORDS, r"images are records of red, blue: give .*images\['red'\]"),
    "objects": (np.array([None] * COUNT, object), r"images are objects: .*numpy\.stack"),
    "text": (np.full(GREY.shape, "1"), "images are text: give numbers"),
    "times": (GREY.astype("m8[s]"), r"images are timedelta64\[s\]: give numbers"),
    "NaN": (np.where(GREY == 255, np.nan, GREY), "images hold NaN or infinity.*nan_to_num"),
    "infinity": (np.where(GREY == 255, np.inf, GREY), "images hold NaN or infinity"),
    "a mask": (np.ma.masked_equal(GREY, 255), r"some pixels of images are masked: .*filled\(0\)"),
    "one bright speck": (SPARK, f"only 2 grey levels.* {CURE}"),
    "divided by 255 twice": (GREY / 255 / 255, f"only 2 grey levels.* {CURE}"),
    "a little above 1": (GREY / 250, f"only 2 grey levels.* {CURE}"),
    "no images": (GREY[:0], "which is empty"),
    "no pixels": (GREY[:, :0], "which is empty"),
    "a number": (3, r"shape \(\): give \[N, H, W\]"),
    "one image": (GREY[0], r"shape \(5, 4\): give \[N, H, W\]"),
    "rows of pixels": (GREY[:, :2, :2].reshape(COUNT, 4), r"images\.reshape\(-1, 2, 2\)"),
    "rows of colours": (COLOUR[:, :, :2, :2].reshape(COUNT, 12), r"reshape\(-1, 3, 2, 2\)"),
    "RGBA": (np.concatenate([LAST, LAST[..., :1]], -1), r"4 channels: .*images\[\.\.\., :3\]"),
    "two channels": (LAST[..., :2], "has no channels"),
    "either way": (COLOUR[:, :, :, :3], r"two ways.*transpose\(0, 2, 3, 1\)"),
    "volumes": (GREY.reshape(COUNT, 5, 1, 2, 2), "give \\[N, H, W\\]"),
    "images last": (np.moveaxis(LAST, 0, -1), r"numpy\.moveaxis\(images, -1, 0\)"),
    "grey images last": (np.moveaxis(GREY, 0, -1), r"numpy\.moveaxis\(images, -1, 0\)"),
    "of several sizes": ([np.zeros((2, 2)), np.zeros((3, 2))] * 12, "images are no array"),
    "all alike": (np.full(GREY.shape, 7, np.uint8), "class 0 has 1 different images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_bytes_can_be_made_of_is_refused_with_the_cure(name: str) -> None:
    given, words = REFUSED[name]
    with pytest.raises(BadInput) as error:
        load(given)
    line = str(error.value)
    assert re.search(words, line) and "\n" not in line and len(line) < 400, line


@pytest.mark.parametrize("name", ["one bright speck", "divided by 255 twice", "a little above 1"])
def test_the_cure_that_is_named_works(name: str) -> None:
    given, _ = REFUSED[name]
    with pytest.raises(BadInput) as error:
        load(given)
    cure = re.search(r"as of (numpy\.interp.*\))$", str(error.value))
    assert cure is not None
    cured = eval(cure[1], {"numpy": np, "images": given})
    assert cured.dtype == np.uint8 and len(np.unique(cured)) > 200
    assert len(load(cured).train) == 16


def test_numbers_are_scaled_as_those_of_image_files(tmp_path: Path) -> None:
    """The same 12-bit scans as an array and as 16-bit PNG: the same bytes."""
    data = load(DEEP.astype(np.uint16))
    reading = reader.Reading(channels=1, whole=(0, 4095))
    for number, scan in enumerate(DEEP.astype(np.uint16)):
        path = tmp_path / f"{number}.png"
        Image.fromarray(scan).save(path)
        assert reader.read(path, reading).pixels.tobytes() in pictures(data)


def test_a_file_says_what_a_function_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "mine.npz"
    np.savez(path, images=np.float32(LAST / 255), labels=TWO)
    told = Arrays(file=str(path)).load().summary
    assert told.found.source == str(path) and told.found.sizes == {"4 x 5": COUNT}
    assert told.found.modes == {"float32 [N, H, W, C]": COUNT}
    assert told.found.notes == ("float32 images: 0 becomes 0 and 1 becomes 255",)
    assert Arrays(file=str(path)).load().summary == told  # from the cache
    np.savez(path, images=np.array([None] * COUNT, object), labels=TWO)
    with pytest.raises(BadInput, match=r"holds objects.*numpy\.stack"):
        Arrays(file=str(path)).load()
    single = tmp_path / "mine.npy"
    np.save(single, GREY)
    with pytest.raises(BadInput, match=r"one array.*numpy\.savez"):
        Arrays(file=str(single)).load()


def test_what_is_deployed_reads_files_of_such_numbers_alike() -> None:
    assert load(GREY).reading == reader.Reading(channels=1)
    assert load(LAST.astype(np.int64)).reading == reader.Reading(channels=3)
    assert load(DEEP).reading == reader.Reading(channels=1, whole=(0, 4095))
    assert load(np.float32(GREY / 255)).reading == reader.Reading(channels=1, real=(0, 1))

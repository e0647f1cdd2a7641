"""Folders of awkward pictures: one range for all files, said, kept, and lost drawings refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from picture_files import blocks, png, saved, tiff, turned

from energy_sweep.dataset.folder import Folder
from energy_sweep.dataset.reader import Reading
from energy_sweep.record import BadInput


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def scenes(label: str, count: int = 4) -> list[np.ndarray]:
    """Pictures of multiples of 17, which 8, 12 and 16 bits all hold exactly."""
    draw = np.random.default_rng(ord(label))
    return [17 * draw.integers(0, 16, (16, 16)) for _ in range(count)]


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def pixels_of(root: Path, **settings: object) -> set[bytes]:
    data = Folder(root=str(root), **settings).load()  # type: ignore[arg-type]
    sides = (data.train, data.validation, data.test)
    return {image.tobytes() for side in sides for image in side.images}


def test_scans_of_12_bits_in_16_fill_the_range_and_stay_right_among_8_bits(tmp_path):
    root = tmp_path / "root"
    expected = set[bytes]()
    for label in "ab":
        for n, eight in enumerate(scenes(label)):
            eight[0, 0] = 255  # so that the largest of 12 bits occurs
            twelve = eight // 17 * 273
            data = png(eight) if n == 0 else png(twelve, bits=16) if n == 1 else tiff(twelve, ">u2")
            written(root / label / f"{n}.{'png' if n < 2 else 'tif'}", data)
            expected.add(eight.astype(np.uint8).tobytes())
    assert pixels_of(root) == expected
    data = Folder(root=str(root)).load()  # from the cache
    assert data.reading == Reading(channels=1, whole=(0, 4095))
    assert data.found.modes == {"L": 2, "I;16": 2, "I;16B": 4}
    note = "whole numbers of more than 8 bits, 0 to 4095 become 0 to 255: 6 files"
    assert note in data.found.notes


def test_one_brighter_scan_changes_the_range_of_all(tmp_path):
    for label in "ab":
        for n, eight in enumerate(scenes(label)):
            written(tmp_path / label / f"{n}.png", png(eight // 17 * 273, bits=16))
    written(tmp_path / "b" / "bright.png", png(np.full((16, 16), 65535), bits=16))
    scaled = {
        ((2 * 255 * (eight // 17 * 273) + 65535) // (2 * 65535)).astype(np.uint8).tobytes()
        for label in "ab"
        for eight in scenes(label)
    }
    assert pixels_of(tmp_path) == scaled | {bytes([255]) * 256}


def test_all_that_is_done_to_files_is_said(tmp_path):
    for label in "ab":
        for n, eight in enumerate(scenes(label)):
            written(tmp_path / label / f"{n}.png", png(np.dstack([eight] * 3)))
    first = tmp_path / "a"
    written(first / "clear.png", png(np.dstack([scenes("c")[0], scenes("d")[0]])))
    exif = b"Exif\0\0" + turned(3)
    written(first / "turned.jpg", saved(blocks(9, 99).resize((16, 16)), "JPEG", exif=exif))
    frames = [blocks(n, 255 - n).resize((16, 16)) for n in (10, 90)]
    written(
        first / "moving.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    )
    written(first / "named.png", saved(blocks(40, 200).resize((16, 16)), "JPEG"))
    real = scenes("e")[0] / 255
    written(first / "real.tif", tiff(real, "<f4"))
    found = Folder(root=str(tmp_path)).load().found
    assert found.images == 13 and found.sizes == {"16 x 16": 13}
    assert found.modes == {"RGB": 9, "LA": 1, "L": 2, "F": 1}
    assert set(found.notes) >= {
        "real numbers of more than 8 bits, 0 to 1 become 0 to 255: 1 file",
        "see-through, laid over white: 1 file",
        "turned upright, as EXIF says: 1 file",
        "several pictures in one, the first is taken: 1 file",
        "another form than the name says, such as named.png: 1 file",
    }


@pytest.mark.parametrize(
    ("ink", "background", "cure"), [(0, 255, None), (255, 0, None), (255, 255, 0), (0, 0, 255)]
)
def test_drawings_that_are_in_the_opacity_alone_keep_what_they_show(
    ink: int, background: int, cure: int | None, tmp_path: Path
) -> None:
    opacities = [(label, scene) for label in "ab" for scene in scenes(label)]
    for n, (label, opacity) in enumerate(opacities):
        pixels = np.dstack([np.full((16, 16, 3), ink), opacity])
        written(tmp_path / label / f"{n}.png", png(pixels))
    if cure is not None:
        with pytest.raises(BadInput, match=f"8 of 8 see-through.*dataset.background={cure} "):
            pixels_of(tmp_path, background=background)
        return
    shown = {np.abs(background - opacity).astype(np.uint8).tobytes() for _, opacity in opacities}
    assert {one[:256] for one in pixels_of(tmp_path, background=background)} == shown


def test_a_background_is_a_grey(tmp_path):
    with pytest.raises(BadInput, match="type 255 "):
        Folder(root=str(tmp_path), background=300).load()

"""Each awkward picture file shows what was worked out by hand, or is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from picture_files import png
from pictures import REFUSED, SHOWN

from energy_sweep.dataset import pictures
from energy_sweep.record import BadInput


def test_there_are_many() -> None:
    assert len(SHOWN) + len(REFUSED) >= 60


@pytest.mark.parametrize("name", SHOWN)
def test_a_file_shows_what_is_in_it(name: str, tmp_path: Path) -> None:
    case = SHOWN[name]
    path = tmp_path / f"file.{case.end}"
    path.write_bytes(case.data)
    reading, _ = pictures.survey([path], channels=None, background=case.background)
    pixels = pictures.read(path, reading).pixels
    expected = np.array(case.pixels)
    if expected.ndim == 2:
        assert reading.channels == 1
        expected = expected[..., None]
    assert pixels.dtype == np.uint8 and pixels.transpose(1, 2, 0).tolist() == expected.tolist()
    limits = {"whole": reading.whole, "real": reading.real}
    kind, *ends = case.limits or ("", None)
    assert limits == {one: tuple(ends) if one == kind else None for one in limits}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_pixels_is_refused(name: str, tmp_path: Path) -> None:
    case = REFUSED[name]
    path = tmp_path / f"file.{case.end}"
    path.write_bytes(case.data)
    with pytest.raises(BadInput, match=rf"file\.{case.end} cannot be .*({case.words})") as error:
        reading, _ = pictures.survey([path], channels=None, background=255)
        pictures.read(path, reading)
    assert "\n" not in str(error.value)


def test_colours_become_grey_as_their_brightness(tmp_path: Path) -> None:
    (tmp_path / "c.png").write_bytes(png([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]]))
    reading, _ = pictures.survey([tmp_path / "c.png"], channels=1, background=255)
    # .299, .587 and .114 of 255, after ITU-R BT.601
    assert pictures.read(tmp_path / "c.png", reading).pixels.tolist() == [[[76, 150, 29, 9]]]

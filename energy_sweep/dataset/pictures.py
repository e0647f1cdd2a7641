"""Image files on disk, read whole or refused by name."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from energy_sweep.dataset import reader
from energy_sweep.dataset.reader import ImageHeader, Limits, Picture, Reading, Unreadable
from energy_sweep.dataset.similarity import SIDE, thumbnail
from energy_sweep.dataset.storage import Pixels, allocate
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput

T = TypeVar("T")
ALIASES = {"MPO": "JPEG"}  # how phones write a photograph and what belongs to it


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesRead:
    """Images [N, C, H, W] as they are used, and how they were read; of the originals the names,
    thumbnails [N, 32, 32] and the smallest side."""

    images: Pixels
    contents: list[str]
    thumbnails: Pixels
    smallest: int
    reading: Reading
    found: Found


def survey(
    paths: Sequence[Path], *, channels: int | None, background: int
) -> tuple[Reading, list[ImageHeader]]:
    """How these files are to be read, all in one way, and what each says of itself.

    `channels` None is 1 where all files are grey, else 3; values of more than 8 bits are scaled by
    what all files together hold.
    """
    headers = [_name_errors(reader.read_header, path) for path in paths]
    limits: dict[str, Limits] = {}
    for kind in ("whole", "real"):
        deep = [path for path, header in zip(paths, headers, strict=True) if header.values == kind]
        if found := [_name_errors(reader.extremes, path) for path in deep]:
            least, largest = min(low for low, _ in found), max(high for _, high in found)
            limits[kind] = reader.usual_limits(least, largest, kind)
    grey = all(header.grey for header in headers)
    reading = Reading(channels=channels or (1 if grey else 3), background=background, **limits)
    return reading, headers


def read(path: Path, reading: Reading) -> Picture:
    """The pixels of a file as [channels, H, W], upright; BadInput names one that is damaged."""
    return _name_errors(reader.read, path, reading)


def resize_to(pixels: Pixels, resolution: int | None) -> Pixels:
    """Pixels [C, H, W] at that many a side; None leaves them."""
    return pixels if resolution is None else reader.resize(pixels, resolution, resolution)


def read_all(
    paths: Sequence[Path], headers: Sequence[ImageHeader], reading: Reading, resolution: int | None
) -> ImagesRead:
    """All files at the size asked for; BadInput names one that is damaged or of another size."""
    images: Pixels | None = None
    contents, seen, smallest = list[str](), allocate((len(paths), SIDE, SIDE)), 2**31
    sizes, lost = Counter[str](), list[Path]()
    for index, path in enumerate(paths):
        picture = read(path, reading)
        pixels = picture.pixels
        _, height, width = pixels.shape
        sizes[f"{width} x {height}"] += 1
        lost += [path] * picture.lost
        content = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes())
        contents.append(content.hexdigest())
        seen[index] = thumbnail(pixels)
        smallest = min(smallest, height, width)
        small = resize_to(pixels, resolution)
        if images is None:
            images = allocate((len(paths), *small.shape))
        if small.shape != images.shape[1:]:
            first_height, first_width = images.shape[2:]
            raise BadInput(
                f"{path} is {width} x {height} pixels and {paths[0]} {first_width} x "
                f"{first_height}: type dataset.resolution=64, or another side"
            )
        images[index] = small
    assert images is not None  # a folder without images is refused before
    found = Found(
        images=len(paths),
        sizes=dict(sizes),
        modes=dict(Counter(header.mode for header in headers)),
        notes=(
            *conversions(paths, headers, reading),
            *_lost_files_line(lost, headers, reading.background),
        ),
    )
    return ImagesRead(
        images=images,
        contents=contents,
        thumbnails=seen,
        smallest=smallest,
        reading=reading,
        found=found,
    )


def examples(paths: Sequence[Path], *, of_each: int = 2) -> list[Path]:
    """Some files of each form and mode among these."""
    chosen: dict[ImageHeader, list[Path]] = {}
    for path in paths:
        chosen.setdefault(_name_errors(reader.read_header, path), []).append(path)
    return [path for some in chosen.values() for path in some[:of_each]]


def conversions(
    paths: Sequence[Path], headers: Sequence[ImageHeader], reading: Reading
) -> list[str]:
    """One line for each thing that is done to some of the files before they are sized."""
    both = list(zip(paths, headers, strict=True))
    named = [
        path for path, header in both if _form_of_suffix(path) not in (_form_name(header.form), "")
    ]
    counts = {
        _scaling_text("whole", reading.whole): sum(header.values == "whole" for header in headers),
        _scaling_text("real", reading.real): sum(header.values == "real" for header in headers),
        f"see-through, laid over {_grey_text(reading.background)}": sum(
            header.alpha for header in headers
        ),
        "turned upright, as EXIF says": sum(header.turned for header in headers),
        "several pictures in one, the first is taken": sum(header.several for header in headers),
        f"another form than the name says, such as {(named or paths)[0].name}": len(named),
    }
    if reading.channels == 1:
        counts["colour made grey"] = sum(not header.grey for header in headers)
    return [f"{what}: {_count_files(count)}" for what, count in counts.items() if count]


def _count_files(count: int) -> str:
    return f"{count:,} file{'s' if count > 1 else ''}"


def _lost_files_line(
    lost: Sequence[Path], headers: Sequence[ImageHeader], background: int
) -> list[str]:
    """A line where some see-through files lose what they show; BadInput where most of them do."""
    if not lost:
        return []
    alpha = sum(header.alpha for header in headers)
    said = (
        f"{len(lost):,} of {alpha:,} see-through files show nothing over {_grey_text(background)}"
    )
    said += f", such as {lost[0]}"
    if 2 * len(lost) >= alpha:
        other = 0 if background > 127 else 255
        raise BadInput(f"{said}: type dataset.background={other} (128 where both occur)")
    return [said]


def _form_of_suffix(path: Path) -> str:
    """The form that the end of a name stands for, in Pillow's words."""
    from PIL import Image

    return _form_name(Image.registered_extensions().get(path.suffix.lower(), ""))


def _form_name(name: str) -> str:
    return ALIASES.get(name, name)


def _scaling_text(what: str, limits: Limits | None) -> str:
    low, high = limits or (0, 0)
    return f"{what} numbers of more than 8 bits, {low:g} to {high:g} become 0 to 255"


def _grey_text(level: int) -> str:
    return {0: "black", 255: "white"}.get(level, f"grey {level}")


def _name_errors(function: Callable[..., T], path: Path, *more: object) -> T:
    try:
        return function(path, *more)
    except Unreadable as error:
        raise BadInput(
            f"{path} cannot be read as an image ({error}): replace or delete it"
        ) from error

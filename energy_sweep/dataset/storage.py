"""Where pixels are put: in memory while they are a small part of it, else in a mapped file."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from energy_sweep.record import BadInput
from energy_sweep.record.user_folders import cache_folder

Pixels = npt.NDArray[np.uint8]
CHUNK_BYTES = 2**24  # of pixels handled at once; sums widen each to 8 bytes
SHARE = 0.25  # of the memory that is free: a data set is held two or three times for a moment
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def free_bytes() -> int:
    """The memory that is free here, or the limit of the container where that is less."""
    free = psutil.virtual_memory().available
    for path in LIMITS:
        try:
            free = min(free, int(path.read_text()))
        except (OSError, ValueError):  # not there, or the word `max`
            continue
    return free


def fits(size_bytes: int) -> bool:
    """Whether so much may be held in memory."""
    return size_bytes <= SHARE * free_bytes()


def allocate(shape: Sequence[int]) -> Pixels:
    """Room for pixels, unset: memory, or a nameless file that goes when the array does.

    The file is in TMPDIR or the cache's own folder, since /tmp is memory on many machines.
    """
    size = math.prod(shape)
    if fits(size):
        return np.empty(shape, np.uint8)
    folder = Path(os.environ.get("TMPDIR") or cache_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if size > shutil.disk_usage(folder).free:
            raise OSError("the disk has less room")
        with tempfile.TemporaryFile(dir=folder) as file:
            return np.memmap(file, np.uint8, "w+", shape=tuple(shape))
    except OSError as error:
        raise BadInput(
            f"the images need {size / 2**30:,.1f} GiB, more than memory allows or {folder} holds "
            f"({error}): type dataset.resolution=32, or set TMPDIR to a folder with more room"
        ) from error


def chunks(shape: Sequence[int]) -> Iterator[slice]:
    """Images [N, ...] a part at a time, so that no copy of all of them is made."""
    step = max(1, CHUNK_BYTES // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def gather(images: Pixels, positions: npt.NDArray[np.int64]) -> Pixels:
    """A copy of the images at these positions, made part by part."""
    out = allocate((len(positions), *images.shape[1:]))
    for part in chunks(out.shape):
        out[part] = images[positions[part]]
    return out


def open_array(path: Path) -> Pixels:
    """The array of a .npy file, read whole where it fits and mapped where not; never unpickled."""
    mapped = None if fits(path.stat().st_size) else "r"
    return np.load(path, mmap_mode=mapped, allow_pickle=False)

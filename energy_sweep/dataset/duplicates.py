"""Which images are copies of each other, also after another size, quality or file format."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from energy_sweep.dataset.storage import Pixels

SIDE = 8
MARGIN = 2  # grey levels: what compression leaves of a flat background is not a difference
TELLING = 8  # bits: an image with fewer says too little of itself to be known by them
BLOCK = 1024


def difference_hash(image: Pixels) -> npt.NDArray[np.bool_]:
    """Where an image [C, H, W], seen as 8 x 9 grey pixels, gets brighter or darker: bool [128].

    After N. Krawetz's dHash, with one bit for each direction.
    """
    from PIL import Image

    kind = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).convert("L")
    small = np.asarray(kind.resize((SIDE + 1, SIDE), Image.Resampling.BOX)).astype(np.int64)
    steps = np.diff(small, axis=1).reshape(-1)
    return np.concatenate([steps > MARGIN, steps < -MARGIN])


def groups(hashes: npt.NDArray[np.bool_], contents: list[str], *, bits: int) -> list[int]:
    """The group of each image, as the position of one member; copies share a group.

    Copies have equal `contents`, or `hashes` [N, 128] that differ in at most `bits` and say enough.
    Copies of copies are copies.
    """
    parent = list(range(len(contents)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[str, int] = {}
    for index, content in enumerate(contents):
        parent[index] = first.setdefault(content, index)
    telling = np.flatnonzero(hashes.sum(axis=1) >= TELLING)
    telling = telling[[parent[index] == index for index in telling.tolist()]]
    signs = hashes[telling].astype(np.float32)
    ones = signs.sum(axis=1)
    for start in range(0, len(telling), BLOCK):
        rows = slice(start, start + BLOCK)
        apart = ones[rows, None] + ones[None, :] - 2 * signs[rows] @ signs.T
        for left, right in np.argwhere(apart <= bits).tolist():
            if left + start < right:
                a, b = root(int(telling[left + start])), root(int(telling[right]))
                parent[max(a, b)] = min(a, b)
    return [root(index) for index in range(len(contents))]

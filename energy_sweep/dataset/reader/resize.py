"""Images brought to another size by whole numbers: every machine gets the same pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def resize(images: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Images [..., H, W] brought to another size: area mean when smaller, else bilinear.

    Weights are whole numbers, so every machine gets the same pixels: double precision holds their
    sums exactly, and multiplies matrices much faster than whole numbers do.
    """
    if images.shape[-2:] == (height, width):
        return images
    rows, columns = _weights(images.shape[-2], height), _weights(images.shape[-1], width)
    scale = int(rows[0].sum() * columns[0].sum())
    total = rows.astype(np.float64) @ images.astype(np.float64) @ columns.T.astype(np.float64)
    return ((total.astype(np.int64) + scale // 2) // scale).astype(np.uint8)


def _weights(old: int, new: int) -> npt.NDArray[np.int64]:
    """Whole-number weights [new, old] of each old pixel in each new one; rows have equal sums."""
    target = np.arange(new)[:, None]
    if new <= old:
        source = np.arange(old)[None, :]
        first = np.maximum(target * old, source * new)
        last = np.minimum((target + 1) * old, (source + 1) * new)
        return np.maximum(last - first, 0).astype(np.int64)
    source = np.arange(-1, old + 1)[None, :]
    distance = np.abs((2 * target + 1) * old - (2 * source + 1) * new)
    padded = np.maximum(2 * new - distance, 0).astype(np.int64)
    inner = padded[:, 1:-1].copy()
    inner[:, 0] += padded[:, 0]
    inner[:, -1] += padded[:, -1]
    return inner

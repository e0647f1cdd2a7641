"""Images brought to another size by whole numbers: every machine gets the same pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from energy_sweep.dataset.storage import Pixels, allocate, chunks


def resize(images: Pixels, resolution: int) -> Pixels:
    """Images [N, C, H, W] brought to resolution x resolution: area when shrinking, else bilinear.

    Weights are whole numbers, so every machine gets the same pixels: double precision holds their
    sums exactly, and multiplies matrices much faster than whole numbers do.
    """
    height, width = images.shape[2:]
    if (height, width) == (resolution, resolution):
        return images
    rows, columns = _weights(height, resolution), _weights(width, resolution)
    scale = int(rows[0].sum() * columns[0].sum())
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    sized = allocate((*images.shape[:2], resolution, resolution))
    # Enlarged images need more room than they come in.
    for part in chunks((len(images), *np.maximum(images.shape[1:], sized.shape[1:]).tolist())):
        total = rows @ images[part].astype(np.float64) @ columns.T
        sized[part] = (total.astype(np.int64) + scale // 2) // scale
    return sized


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

"""All images of a data set brought to another size, part by part."""

from __future__ import annotations

import numpy as np

from energy_sweep.dataset import reader
from energy_sweep.dataset.storage import Pixels, allocate, chunks


def resize(images: Pixels, resolution: int) -> Pixels:
    """Images [N, C, H, W] at resolution x resolution: area mean when smaller, else bilinear."""
    if images.shape[2:] == (resolution, resolution):
        return images
    sized = allocate((*images.shape[:2], resolution, resolution))
    # Enlarged images need more room than they come in.
    for part in chunks((len(images), *np.maximum(images.shape[1:], sized.shape[1:]).tolist())):
        sized[part] = reader.resize(images[part], resolution, resolution)
    return sized

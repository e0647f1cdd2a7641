"""Arrays that a function of one's own returns, and pictures to make them of."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from energy_sweep.dataset.arrays import Arrays
from energy_sweep.dataset.base import Data

COUNT, HEIGHT, WIDTH = 24, 5, 4
# Bytes that use the whole range, in one channel and in three: no two images are alike.
BYTES = np.random.default_rng(0).permutation(COUNT * HEIGHT * WIDTH * 3) % 256
GREY = BYTES[: COUNT * HEIGHT * WIDTH].reshape(COUNT, HEIGHT, WIDTH).astype(np.uint8)
GREY[0, 0, :2] = 0, 255
COLOUR = BYTES.reshape(COUNT, 3, HEIGHT, WIDTH).astype(np.uint8)
LAST = np.ascontiguousarray(COLOUR.transpose(0, 2, 3, 1))
TWO, THREE = np.arange(COUNT) % 2, np.arange(COUNT) % 3


def load(images: Any, labels: Any = TWO, names: Any = None) -> Data:
    """The data of a function that returns these."""
    module = ModuleType("arrays_of_a_user")
    module.data = lambda: (images, labels) if names is None else (images, labels, names)
    sys.modules[module.__name__] = module
    try:
        return Arrays(factory=f"{module.__name__}:data").load()
    finally:
        del sys.modules[module.__name__]


def pictures(data: Data) -> dict[bytes, str]:
    """The name of the class of each image."""
    sides = (data.train, data.validation, data.test)
    return {
        image.tobytes(): data.classes[label]
        for side in sides
        for image, label in zip(side.images, side.labels, strict=True)
    }

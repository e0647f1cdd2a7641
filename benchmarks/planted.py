"""Copies as people make them by accident, planted among pictures that are none."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

Array = np.ndarray


class Planted(NamedTuple):
    """Pictures, uint8 [H, W] or [H, W, 3], and for each the one that it is a copy of, or itself."""

    pictures: list[Array]
    truth: list[int]


def as_jpeg(picture: Array, quality: int) -> Array:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def moved(picture: Array, down: int, right: int) -> Array:
    """Moved by some pixels, with its edges drawn out."""
    far = max(abs(down), abs(right))
    margins = ((far, far), (far, far), (0, 0))[: picture.ndim]
    height, width = picture.shape[:2]
    wide = np.pad(picture, margins, mode="edge")
    return wide[far - down : far - down + height, far - right : far - right + width]


def relit(picture: Array, contrast: float, brightness: float) -> Array:
    return np.clip(picture * contrast + brightness, 0, 255).astype(np.uint8)


def resized(picture: Array, factor: float) -> Array:
    height, width = picture.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def changes(random: np.random.Generator) -> dict[str, Callable[[Array], Array]]:
    """Each with strengths of its own every time."""

    def far() -> int:
        return int(random.choice([-2, -1, 1, 2]))

    return {
        "moved": lambda picture: moved(picture, far(), far()),
        "recompressed": lambda picture: as_jpeg(picture, int(random.integers(40, 91))),
        "relit": lambda picture: relit(picture, random.uniform(0.6, 1.3), random.uniform(-20, 30)),
        "resized": lambda picture: resized(picture, random.uniform(0.7, 2)),
        "all four": lambda picture: as_jpeg(
            relit(
                moved(resized(picture, random.uniform(0.8, 1.5)), far(), far()),
                random.uniform(0.7, 1.2),
                random.uniform(-10, 20),
            ),
            int(random.integers(60, 91)),
        ),
    }


def planted(pictures: Sequence[Array], count: int, seed: int = 0) -> Planted:
    """These, and copies of `count` of them, each changed in one of the five ways in turn."""
    random = np.random.default_rng(seed)
    ways = list(changes(random).values())
    chosen = random.choice(len(pictures), count, replace=False).tolist()
    copies = [ways[n % len(ways)](pictures[index]) for n, index in enumerate(chosen)]
    return Planted([*pictures, *copies], [*range(len(pictures)), *chosen])


def tiles(side: int = 96, step: int = 48) -> list[Array]:
    """Parts of scikit-learn's two photographs, those of them that show something."""
    from sklearn.datasets import load_sample_images

    found: list[Array] = []
    for photograph in load_sample_images().images:
        height, width = photograph.shape[:2]
        for top in range(0, height - step + 1, step):
            for left in range(0, width - step + 1, step):
                part = photograph[top : top + step, left : left + step]
                if part.mean(axis=2).std() >= 15:
                    found.append(resized(part, side / step))
    return found


def scans(count: int, side: int = 64, seed: int = 7) -> list[Array]:
    """Slices of heads: a skull, tissue, ventricles, a lesion in every second, and noise."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:side, 0:side] / side * 2 - 1
    found: list[Array] = []
    for index in range(count):
        wide, tall = random.uniform(0.62, 0.72), random.uniform(0.75, 0.88)
        radius = (across / wide) ** 2 + (down / tall) ** 2
        coarse = Image.fromarray(random.normal(size=(12, 12)).astype(np.float32))
        tissue = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
        picture = np.where(radius < 1, 110 + 25 * tissue, 8) + 90 * ((radius < 1) & (radius > 0.88))
        for middle in (-0.15, 0.15):
            inside = ((across - middle) / 0.1) ** 2 + (down / 0.3) ** 2 < 1
            picture = np.where(inside, 40, picture)
        if index % 2:
            x, y = random.uniform(-0.4, 0.4, 2)
            lesion = (across - x) ** 2 + (down - y) ** 2 < random.uniform(0.06, 0.2) ** 2
            picture = np.where(lesion, 210, picture)
        picture = picture + random.normal(scale=4, size=picture.shape)
        found.append(np.clip(picture, 0, 255).astype(np.uint8))
    return found

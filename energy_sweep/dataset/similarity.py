"""Which pictures show the same: proposed by a hash of 128 bits, confirmed on their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from energy_sweep.dataset.storage import Pixels

SIDE = 32  # pixels of a thumbnail: enough to tell two digits apart
MOVE = 2  # pixels of the original: copies are found that are moved by no more
FAR = 2  # pixels of a thumbnail: what such a move is at most taken for, in tiny pictures
GRID = (8, 9)
PLAIN, VAGUE = 0.6, -0.3  # standard deviations: a step that one picture has, and another not
TELLING = 4  # plain steps: a picture with fewer is known by its bytes only
FLAT = 2.0  # grey levels: the standard deviation of a picture without content
ALIKE = 0.88  # correlation of two grids, below which no pair is compared
NEAREST = 32  # pairs that are compared for each picture, the most alike first
BLUR = 1.25  # pixels of a thumbnail: what JPEG or another size changes is finer
EDGE = 3  # pixels of a thumbnail that a move may bring in or take away
CLOSE = 0.95  # correlation of two thumbnails, below which no fit is tried
SAME = 0.993  # share of the variance of one thumbnail that the other explains
APART = 0.45  # standard deviations: the most that they may differ at any place
CELLS = 2**23  # of the matrix of all pairs, held at once
PAIRS = 1024  # compared at once

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]


def thumbnail(image: Pixels) -> Pixels:
    """An image [C, H, W] as 32 x 32 grey pixels."""
    from PIL import Image

    kind = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).convert("L")
    return np.asarray(kind.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def find_similar(thumbnails: Pixels, *, bits: int, smallest: int) -> list[tuple[int, int]]:
    """Pairs of thumbnails [N, 32, 32] that show the same, as positions, the lower one first.

    Proposed are pairs whose hashes differ in at most `bits` of 128, where one may be moved by 2
    pixels of an original of `smallest` pixels a side; the most alike of these are compared.
    """
    move = min(FAR, round(MOVE * SIDE / smallest))
    moves = (-move, 0, move) if move else (0,)
    grids = _Grids.of(thumbnails, np.array([(down, right) for down in moves for right in moves]))
    found: list[tuple[int, int]] = []
    for left, right, shifts in grids.propose_pairs(bits):
        for start in range(0, len(left), PAIRS):
            part = slice(start, start + PAIRS)
            a, b = grids.where[left[part]], grids.where[right[part]]
            kept = _confirm(thumbnails[a], thumbnails[b], shifts[part])
            found += zip(a[kept].tolist(), b[kept].tolist(), strict=True)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Grids:
    """Thumbnails with enough content (at the positions `where`) as 8 x 9 cells [M, 72], moved by
    each of `shifts`.

    Cells have mean 0 and standard deviation 1: brightness and contrast are no difference.
    """

    where: Places
    shifts: Places
    cells: list[Floats]

    @classmethod
    def of(cls, thumbnails: Pixels, shifts: Places) -> _Grids:
        rows, columns = (_mean_weights(count) for count in GRID)
        parts: list[list[Floats]] = [[] for _ in shifts]
        for start in range(0, len(thumbnails), PAIRS):
            some = thumbnails[start : start + PAIRS].astype(np.float32)
            wide = np.pad(some, ((0, 0), (FAR, FAR), (FAR, FAR)), mode="edge")
            for part, (down, right) in zip(parts, (shifts + FAR).tolist(), strict=True):
                moved = wide[:, down : down + SIDE, right : right + SIDE]
                part.append((rows @ moved @ columns.T).reshape(len(some), -1).astype(np.float32))
        whole = [np.concatenate(part) for part in parts]
        middle = len(shifts) // 2
        spread = whole[middle].std(axis=1)
        whole = [
            (cells - cells.mean(axis=1, keepdims=True))
            / np.maximum(cells.std(axis=1, keepdims=True), 1e-6)
            for cells in whole
        ]
        plain = sum(_brightness_steps(whole[middle], PLAIN, axis).sum(axis=1) for axis in (1, 2))
        where = np.flatnonzero((spread >= FLAT) & (plain >= TELLING))
        return cls(where, shifts, [cells[where] for cells in whole])

    def propose_pairs(self, bits: int) -> Iterator[tuple[Places, Places, Places]]:
        """Pairs worth a comparison, and how the second is to be moved to be most alike."""
        still = self.cells[len(self.shifts) // 2]
        count = len(still)
        block = max(1, CELLS // max(1, count))
        for start in range(0, count, block):
            rows = still[start : start + block] / still.shape[1]
            best = rows @ self.cells[0][start:].T
            for cells in self.cells[1:]:
                np.maximum(best, rows @ cells[start:].T, out=best)
            best[np.tril_indices(len(rows), 0, best.shape[1])] = -1
            few = min(NEAREST, best.shape[1])
            top = np.argpartition(-best, few - 1, axis=1)[:, :few]
            left, right = np.repeat(np.arange(len(rows)), few), np.sort(top, axis=1).reshape(-1)
            kept = best[left, right] >= ALIKE
            if kept.any():
                yield self._filter_by_hash(left[kept] + start, right[kept] + start, bits)

    def _filter_by_hash(
        self, left: Places, right: Places, bits: int
    ) -> tuple[Places, Places, Places]:
        """Of these pairs those whose hashes differ in few bits, at the best shift.

        A bit differs where one picture has a plain step and the other not even a vague one.
        """
        still = self.cells[len(self.shifts) // 2][left]
        near = [np.einsum("pk,pk->p", still, cells[right]) for cells in self.cells]
        shift = np.argmax(near, axis=0)
        moved = np.empty_like(still)
        for index, cells in enumerate(self.cells):
            moved[shift == index] = cells[right[shift == index]]
        apart = (_brightness_steps(still, PLAIN) & ~_brightness_steps(moved, VAGUE)).sum(axis=1)
        apart += (_brightness_steps(moved, PLAIN) & ~_brightness_steps(still, VAGUE)).sum(axis=1)
        kept = apart <= bits
        return left[kept], right[kept], self.shifts[shift[kept]]


def _mean_weights(count: int) -> Floats:
    """Weights [count, 32] that take the means of equal parts of 32 pixels."""
    edges, pixel = np.arange(count + 1) * SIDE / count, np.arange(SIDE)
    inside = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (np.maximum(inside, 0) * count / SIDE).astype(np.float32)


def _brightness_steps(cells: Floats, least: float, axis: int = 2) -> Bits:
    """Where grids get brighter, then where darker, along an axis by more than `least`.

    After N. Krawetz's dHash, with one bit for each direction.
    """
    steps = np.diff(cells.reshape(len(cells), *GRID), axis=axis)
    steps = steps.reshape(len(cells), GRID[0] * GRID[1] - GRID[axis % 2])
    return np.concatenate([steps > least, steps < -least], axis=1)


def _confirm(ones: Pixels, others: Pixels, shifts: Places) -> Bits:
    """Whether thumbnails differ by brightness, contrast and a move close to `shifts` only."""
    left, right = _blur(ones), _blur(others)
    near, places = _align(left, right, shifts)
    kept = np.flatnonzero(near >= CLOSE)
    explained, apart = _fit(left[kept], right[kept], places[kept])
    same = np.zeros(len(ones), np.bool_)
    same[kept] = (explained >= SAME) & (apart <= APART)
    return same


def _align(left: Floats, right: Floats, shifts: Places) -> tuple[Floats, Places]:
    """The best correlation over whole pixels around `shifts`, and where its window begins.

    Every second pixel is enough, since thumbnails are blurred.
    """
    middle = np.full_like(shifts, EDGE)
    target = _standardise(_windows(left, middle, 2))
    best, places = np.full(len(right), -1, np.float32), np.zeros_like(shifts)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            at = np.clip(middle + shifts + (down, across), 0, 2 * EDGE)
            near = np.einsum("pk,pk->p", target, _standardise(_windows(right, at, 2)))
            better = near > best
            best[better], places[better] = near[better], at[better]
    return best, places


def _fit(left: Floats, right: Floats, places: Places) -> tuple[Floats, Floats]:
    """How much of each left thumbnail its right one explains, and the largest rest, in deviations.

    Besides the thumbnail itself its slopes are fitted: to first order, a move by part of a pixel.
    """
    target = _standardise(_windows(left, np.full_like(places, EDGE)))
    bases: tuple[Floats, ...] = (right, *np.gradient(right, axis=(1, 2)))  # pyright: ignore
    columns = np.stack([_standardise(_windows(base, places)) for base in bases], axis=2)
    across = columns.transpose(0, 2, 1)
    products = across @ columns + 1e-6 * np.eye(len(bases), dtype=np.float32)
    weights = np.linalg.solve(products, across @ target[:, :, None])
    rest = target - (columns @ weights)[:, :, 0]
    largest = np.abs(rest).max(axis=1, initial=0) * target.shape[1] ** 0.5
    return 1 - (rest**2).sum(axis=1), largest


def _windows(thumbnails: Floats, places: Places, step: int = 1) -> Floats:
    """The inner pixels of each thumbnail [P, K], every `step`-th, in a window at its place."""
    size = SIDE - 2 * EDGE
    seen = np.lib.stride_tricks.sliding_window_view(thumbnails, (size, size), axis=(1, 2))
    seen = seen[:, :, :, ::step, ::step]
    chosen = seen[np.arange(len(thumbnails)), places[:, 0], places[:, 1]]
    return chosen.reshape(len(chosen), chosen.shape[1] * chosen.shape[2])


def _blur(thumbnails: Pixels) -> Floats:
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    weights = np.exp(-(distance**2) / (2 * BLUR**2))
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights @ thumbnails.astype(np.float32) @ weights.T


def _standardise(vectors: Floats) -> Floats:
    """Vectors less their mean, of length 1."""
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)

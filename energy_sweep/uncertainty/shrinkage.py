"""What is believed of many accuracies at once, after the best of them were looked at.

The configuration that looks best of a hundred was lucky more often than not. Draws around its
measured value would believe in its luck, and add as much noise again. Here the measured values
themselves say how accuracies are spread among configurations of about the same joules (empirical
Bayes; Robbins 1956), and each is drawn from what its measurement and that spread leave possible.
`benchmarks/doubt.py` shows what that is worth.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Answers that nobody gave, to one more image: Jeffreys' prior of a proportion. In a draw they are
# gamma of this shape, which is half the square of a normal value, and that takes a third as long.
PRIOR_ANSWERS = 0.5

# The spread is learned on a grid of this many points within one standard deviation of noise, in
# this many steps, each smoothed by this share of the noise: more of them, or less smooth, takes
# the noise of some hundred values for structure.
GRID_POINTS = 4
STEPS = 20
SMOOTHING = 0.5
LEAST_NOISE = 1e-9
MOST_POINTS = 2000

# How far configurations tell of each other, in standard deviations of log joules.
REACH = 0.5
BANDS_PER_WIDTH = 4


def believed_accuracies(
    draws: Floats,
    values: Floats,
    *,
    images: Floats,
    place: Floats,
    rng: np.random.Generator,
    extent: float | None = None,
) -> Floats:
    """Joint draws of the accuracies of configurations, all of them considered: shape [D, N].

    `draws` [D, N] are of a bootstrap around the measured `values` [N], `images` [N] how many each
    was measured on, `place` [N] what accuracy may depend on smoothly: log joules. Configurations
    with the same draws answered alike, and stay alike. Where these are a part of a study, `extent`
    is the standard deviation of the places of all of it.
    """
    which = alike(draws)
    _, first = np.unique(which, return_index=True)
    counts = np.bincount(which)
    near = np.bincount(which, weights=place) / counts if len(which) else place
    width = REACH * (float(near.std()) if extent is None else extent)
    return _believed(draws[:, first], values[first], images[first], (near, width), rng)[:, which]


def _believed(
    draws: Floats,
    values: Floats,
    images: Floats,
    place: tuple[Floats, float],
    rng: np.random.Generator,
) -> Floats:
    """The same of configurations no two of which answered alike."""
    more = rng.standard_normal(size=(2, *draws.shape)) ** 2 / 2
    angles = _angles(more[0] + images * draws, more[1] + images * (1 - draws))
    measured = _angles(PRIOR_ANSWERS + images * values, PRIOR_ANSWERS + images * (1 - values))
    noise = angles - angles.mean(axis=0)
    common = noise.mean(axis=1, keepdims=True)
    own = noise - common
    spread = np.maximum(own.std(axis=0), LEAST_NOISE)
    mean, deviation = _posterior(measured, spread, _bands(*place))
    return np.sin(np.clip(mean + own * (deviation / spread) + common, 0, np.pi / 2)) ** 2


def _angles(right: Floats, wrong: Floats) -> Floats:
    """Proportions on the scale on which their noise does not depend on them."""
    return np.arctan2(np.sqrt(right), np.sqrt(wrong))


def alike(columns: Floats) -> NDArray[np.intp]:
    """A number for each column, the same for those that are the same, counted from 0."""
    first: dict[bytes, int] = {}
    rows = np.ascontiguousarray(columns.T)
    return np.array([first.setdefault(row.tobytes(), len(first)) for row in rows], dtype=np.intp)


def _posterior(
    measured: Floats, spread: Floats, bands: tuple[NDArray[np.intp], Floats]
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each value, given all that were measured near its place."""
    step = float(np.median(spread)) / GRID_POINTS
    low, high = measured.min() - 2 * step * GRID_POINTS, measured.max() + 2 * step * GRID_POINTS
    points = min(MOST_POINTS, int((high - low) / step) + 2)
    grid = cast(Floats, np.linspace(low, high, points))
    exponents = -0.5 * ((measured[:, None] - grid) / spread[:, None]) ** 2
    # Without its best exponent, a value that is far from all of the grid would have no weights.
    likelihood = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    band, nearness = bands
    order = np.argsort(band, kind="stable")
    first = np.searchsorted(band[order], np.arange(len(nearness)))
    smooth = _smoothing(len(grid))
    # One more that may be anything: so one that is far from all others is believed as measured.
    anything = np.full(len(grid), 1 / len(grid))
    prior = np.broadcast_to(anything, likelihood.shape)
    for _ in range(STEPS):
        weights = _weights(likelihood, prior)
        sums = np.add.reduceat(weights[order], first)
        # What one is itself is no reason to believe that others are.
        prior = ((nearness @ sums)[band] - weights) @ smooth + anything
    weights = _weights(likelihood, prior)
    mean = weights @ grid
    return mean, np.sqrt(np.maximum(weights @ grid**2 - mean**2, 0.0))


def _weights(likelihood: Floats, prior: Floats) -> Floats:
    weights = likelihood * prior
    return weights / weights.sum(axis=1, keepdims=True)


def _bands(place: Floats, width: float) -> tuple[NDArray[np.intp], Floats]:
    """For each place the number of its band, and how much each of them tells of each other.

    Those that are `width` apart tell little of each other.
    """
    if width <= 0:
        return np.zeros(len(place), dtype=np.intp), np.ones((1, 1))
    band = ((place - place.min()) / width * BANDS_PER_WIDTH).astype(np.intp)
    found, number = np.unique(band, return_inverse=True)
    centres = found / BANDS_PER_WIDTH
    return number, np.exp(-0.5 * (centres[:, None] - centres) ** 2)


def _smoothing(points: int) -> Floats:
    """The matrix that spreads each of so many points of the grid over those near it."""
    places = np.arange(points)
    width = SMOOTHING * GRID_POINTS
    matrix = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return matrix / matrix.sum(axis=1, keepdims=True)

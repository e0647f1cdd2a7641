"""Several boards of one class on one front: each reads a little more or less than the others.

Against a physical meter, the errors of boards of one type were .4 to 1.1 points apart, those of
several types as much as 21 (Yang, Adamek and Armour 2024, "Part-time Power Measurements", and their
published data); NVIDIA states 5 %. The joules of one board are off by one factor, which cancels
between works that were all read on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.detrending import Z95

# Equal work, read on two boards of a class, differs by less, 19 times of 20.
TWO_BOARDS = 0.05


def between_boards(by_board: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """What boards add to the covariance of the logarithms of prices [K, K].

    `by_board` are the joules of each price by the board they were read on. Of one board alone that
    is nothing, since its factor is common to all.
    """
    boards = list(dict.fromkeys(board for one in by_board for board in one))
    if (
        len([board for board in boards if board]) < 2
    ):  # what names none was read on the one there is
        return np.zeros((len(by_board), len(by_board)))
    joules = np.array([[one.get(board, 0.0) for board in boards] for one in by_board])
    shares = joules / np.maximum(joules.sum(axis=1, keepdims=True), 1e-300)
    one_board = math.log1p(TWO_BOARDS) / Z95 / math.sqrt(2)
    return one_board**2 * shares @ shares.T

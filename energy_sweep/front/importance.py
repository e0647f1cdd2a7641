"""Which axis matters: how much of the variance of accuracy, and of log joules, each axis explains.

Functional ANOVA: an axis alone explains the variance of the means over all others. What is left are
axes together, and the luck of each training. Where the configurations are a complete grid that is
exact for them, and the interval says what their uncertainty leaves open. Elsewhere a model has to
fill in what was not run: a `Forest`, which is handed in, since the one there is lives with Optuna.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.doubt import Beliefs
from energy_sweep.front.merged import Row
from energy_sweep.recipe.dials import value_text

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Share = tuple[float, float, float]  # and its interval at 95 %

TARGETS = ("accuracy", "joules")
LEAST = 4  # configurations; of fewer every axis explains everything
DRAWS = 200  # of accuracies and joules for an interval

# Shares of the variance of each target [T, N] by axis, for whole numbers that say where each
# configuration lies on each axis [N, K], of which some are words, whose order means nothing.
Forest = Callable[[Codes, Sequence[bool], Floats], Sequence[Sequence[Share]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The share of a variance that an axis explains alone, with an interval at 95 %."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """What each axis explains of `accuracy` and of log `joules`, by axis, the largest first.

    `is_exact` where the `configurations` are a complete grid, else a model filled in the rest.
    `together` is what no axis explains alone, by target.
    """

    configurations: int
    is_exact: bool
    axes: Mapping[str, Mapping[str, Explained]]
    together: Mapping[str, float]

    def first(self, target: str) -> str:
        """The axis that explains most of a target."""
        return max(self.axes, key=lambda axis: self.axes[axis][target].share)

    def is_sure(self, target: str) -> bool:
        """Whether that axis explains more than any other may, as far as the intervals go."""
        first = self.first(target)
        others = [one[target].high for axis, one in self.axes.items() if axis != first]
        return self.axes[first][target].low > max(others, default=0.0)


def axis_importance(
    rows: Sequence[Row],
    axes: Sequence[str],
    *,
    beliefs: Callable[[], Beliefs],
    forest: Forest | None = None,
) -> Importance | None:
    """What each axis explains over all rows; `beliefs` are joint draws of them, in their order.

    None where there are too few, where nothing varies, or where the grid has holes and no `forest`
    is given. Joules of 0 have no logarithm: then there is none either.
    """
    names = [name for name in axes if len({axis_text(row.params.get(name)) for row in rows}) > 1]
    if len(rows) < LEAST or not names or any(row.joules <= 0 for row in rows):
        return None
    codes = np.stack([_codes([row.params.get(name) for row in rows]) for name in names], axis=1)
    seen = np.array([[row.accuracy for row in rows], [math.log(row.joules) for row in rows]])
    if not seen.var(axis=1).all():
        return None
    is_exact = is_grid(codes)
    if is_exact:
        shares = _exact(beliefs(), codes, seen)
    elif forest is not None:
        words = [any(not is_number(row.params.get(name)) for row in rows) for name in names]
        shares = forest(codes, words, seen)
    else:
        return None
    found = [[Explained(share=s, low=a, high=b) for s, a, b in one] for one in shares]
    return _ordered(names, found, is_exact=is_exact, configurations=len(rows))


def is_grid(codes: Codes) -> bool:
    """Whether points [N, K] are each combination of the values of their axes, once."""
    counts = [len(np.unique(column)) for column in codes.T]
    return len(codes) == math.prod(counts) == len(np.unique(codes, axis=0))


def main_effects(codes: Codes, targets: Floats) -> Floats:
    """Share of the variance of `targets` [D, N] that each axis of a grid [N, K] explains: [D, K].

    Every cell of a complete grid weighs the same.
    """
    total = targets.var(axis=1)
    shares: list[Floats] = []
    for column in codes.T:
        member = np.equal.outer(np.unique(column), column).astype(float)
        means = targets @ (member / member.sum(axis=1, keepdims=True)).T
        shares.append(means.var(axis=1) / np.where(total > 0, total, 1.0))
    return np.stack(shares, axis=1)


def _exact(beliefs: Beliefs, codes: Codes, seen: Floats) -> list[list[Share]]:
    """The shares of a grid as it was measured; intervals from draws of what it may be in truth."""
    every = max(1, len(beliefs.accuracies) // DRAWS)
    found: list[list[Share]] = []
    for target, draws in zip(seen, (beliefs.accuracies, beliefs.log_joules), strict=True):
        [shares] = main_effects(codes, target[None])
        low, high = np.quantile(main_effects(codes, draws[::every]), (0.025, 0.975), axis=0)
        limits = zip(shares.tolist(), low.tolist(), high.tolist(), strict=True)
        # What is believed shrinks what was measured, and may leave it outside.
        found.append([(share, min(share, a), max(share, b)) for share, a, b in limits])
    return found


def _ordered(
    names: Sequence[str],
    shares: Sequence[Sequence[Explained]],
    *,
    is_exact: bool,
    configurations: int,
) -> Importance:
    by_axis = {
        name: {target: shares[t][k] for t, target in enumerate(TARGETS)}
        for k, name in enumerate(names)
    }
    largest = {name: max(one.share for one in found.values()) for name, found in by_axis.items()}
    alone = {target: math.fsum(one[target].share for one in by_axis.values()) for target in TARGETS}
    return Importance(
        configurations=configurations,
        is_exact=is_exact,
        axes={name: by_axis[name] for name in sorted(names, key=lambda name: -largest[name])},
        together={target: max(0.0, 1 - share) for target, share in alone.items()},
    )


def _codes(values: Sequence[Any]) -> Codes:
    """Where each value stands among those of its axis: numbers in their order, then words."""
    place = {text: index for index, text in enumerate(ordered_values(values))}
    return np.array([place[axis_text(value)] for value in values], dtype=np.intp)


def ordered_values(values: Sequence[Any]) -> list[str]:
    """The values of an axis as text, each once: numbers in their order, then words."""
    distinct: dict[str, Any] = {axis_text(value): value for value in values}
    numbers = [text for text, value in distinct.items() if is_number(value)]
    return [
        *sorted(numbers, key=lambda text: (float(distinct[text]), text)),
        *sorted(distinct.keys() - set(numbers)),
    ]


def axis_text(value: Any) -> str:
    """A value as it is typed, the same for equal ones: 1 is 1.0."""
    whole = is_number(value) and float(value).is_integer()
    return str(int(value)) if whole else value_text(value)


def is_number(value: Any) -> bool:
    """Whether a value has an order among numbers; True and False have none."""
    return isinstance(value, int | float) and not isinstance(value, bool)

"""What one step of training takes: joules of a configuration's epochs over its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from energy_sweep.front.breakdown import EPOCH_STAGES, effort
from energy_sweep.front.configurations import Configuration
from energy_sweep.front.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJoules:
    """Joules of one batch, forward and backward (`iteration`), and of one step of the optimizer.

    Means over all epochs of all seeds; None where trials do not tell how many steps there were.
    """

    iteration: float | None
    update: float | None


def step_joules(one: Configuration, prices: Prices) -> StepJoules:
    """Those of a configuration, at the prices of its study."""
    joules: list[float] = []
    for _, result in one.runs:
        for use in (use for use in result.stages if use.stage in EPOCH_STAGES):
            pool = prices.pool(use.cost_key)
            if pool is None:
                return StepJoules(iteration=None, update=None)
            joules.append(use.units * pool.joules_per_unit)
    done = [effort(result) for _, result in one.runs]
    return StepJoules(
        iteration=_each(joules, [one.iterations for one in done]),
        update=_each(joules, [one.updates for one in done]),
    )


def _each(joules: Sequence[float], counts: Sequence[float | None]) -> float | None:
    known = [count for count in counts if count is not None]
    total = math.fsum(known)
    return math.fsum(joules) / total if joules and total and len(known) == len(counts) else None

"""Learning rates as pure functions of the step: warm-up, constant trunk, cooldown, recovery.

The trunk does not know the horizon, so runs of different lengths share it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Linear warm-up over `warmup_steps`, constant, then linear to 0 over a `cooldown` share."""

    name: str = "trunk"
    warmup_steps: int = 16
    cooldown: float = 0.2

    def __post_init__(self) -> None:
        if self.warmup_steps < 0:
            raise BadInput(
                f"optimizer.schedule.warmup_steps={self.warmup_steps}: type 0 or more, "
                "such as optimizer.schedule.warmup_steps=16"
            )
        if not 0 < self.cooldown <= 1:
            raise BadInput(
                f"optimizer.schedule.cooldown={self.cooldown}: type a share of the epochs above 0 "
                "and up to 1, such as optimizer.schedule.cooldown=0.2"
            )

    def cooldown_epochs(self, epochs: int) -> int:
        """Epochs at the end of a run of `epochs` (at least 1) that bring the rate to 0."""
        return max(1, math.floor(self.cooldown * epochs + 0.5))

    def trunk_epochs(self, epochs: int) -> int:
        """Epochs that come before the cooldown; may be 0."""
        return epochs - self.cooldown_epochs(epochs)

    def trunk_lr(self, lr: float, step: int) -> float:
        """The rate at `step`, counted from the start of training."""
        return lr * self._warmth(step)

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """The rate at `step` of a cooldown of `total` steps that branched off at step `start`.

        A warm-up that the trunk has not finished goes on inside the cooldown.
        """
        return lr * min(self._warmth(start + step), 1 - step / total)

    def recover_lr(self, lr: float, step: int, total: int) -> float:
        """The rate at `step` of a recovery of `total` steps, from half of `lr` down to 0."""
        return lr / 2 * (1 - step / total)

    def _warmth(self, step: int) -> float:
        return min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0

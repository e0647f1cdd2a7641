"""Learning rates as pure functions of the step: the shared trunk, and schedules of one horizon.

A trunk does not know the horizon, so runs of different lengths share it. What knows its horizon
has no trunk: all of it is one segment, named by that horizon, as a cooldown is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from energy_sweep.record import BadInput


class Schedule(Protocol):
    """How the rate goes over a run; a step is one update of the weights."""

    @property
    def name(self) -> str: ...

    def cooldown_epochs(self, epochs: int) -> int:
        """Epochs at the end of a run of `epochs` (at least 1) that depend on its length."""
        ...

    def trunk_lr(self, lr: float, step: int) -> float:
        """The rate at `step`, counted from the start of training, before any cooldown."""
        ...

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """The rate at `step` of a cooldown of `total` steps that branched off at step `start`."""
        ...


def recover_lr(lr: float, step: int, total: int) -> float:
    """The rate at `step` of a recovery of `total` steps, from half of `lr` down to 0."""
    return lr / 2 * (1 - step / total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Linear warm-up over `warmup_steps`, constant, then linear to 0 over a `cooldown` share.

    A warm-up that the trunk has not finished goes on inside the cooldown.
    """

    name: str = "trunk"
    warmup_steps: int = 16
    cooldown: float = 0.2

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)
        _check_share("cooldown", self.cooldown)

    def cooldown_epochs(self, epochs: int) -> int:
        """The share of the epochs that cool down, at least one."""
        return max(1, math.floor(self.cooldown * epochs + 0.5))

    def trunk_lr(self, lr: float, step: int) -> float:
        """The warm-up, then `lr`."""
        return lr * _warmup_factor(step, self.warmup_steps)

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """Linear to 0."""
        return lr * min(_warmup_factor(start + step, self.warmup_steps), 1 - step / total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Linear warm-up over `warmup_steps`, then constant to the end: every horizon is shared."""

    name: str = "constant"
    warmup_steps: int = 16

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)

    def cooldown_epochs(self, epochs: int) -> int:
        """None: nothing depends on the length."""
        return 0

    def trunk_lr(self, lr: float, step: int) -> float:
        """The warm-up, then `lr`."""
        return lr * _warmup_factor(step, self.warmup_steps)

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """As the trunk, since there is no cooldown."""
        return self.trunk_lr(lr, start + step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosine:
    """Linear warm-up over `warmup_steps`, then half a cosine to 0 (Loshchilov and Hutter 2017)."""

    name: str = "cosine"
    warmup_steps: int = 16

    def __post_init__(self) -> None:
        _check_warmup(self.warmup_steps)

    def cooldown_epochs(self, epochs: int) -> int:
        """All of them."""
        return epochs

    def trunk_lr(self, lr: float, step: int) -> float:
        """The warm-up, then `lr`; a run has no such part."""
        return lr * _warmup_factor(step, self.warmup_steps)

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """The cosine over the whole run, below the warm-up."""
        return lr * min(_warmup_factor(start + step, self.warmup_steps), _cosine(step / total))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCycle:
    """Linear up to `lr` over a `rise` share of the run, then half a cosine to 0.

    Smith and Topin 2018; momentum stays as it is.
    """

    name: str = "onecycle"
    rise: float = 0.3

    def __post_init__(self) -> None:
        _check_share("rise", self.rise)

    def cooldown_epochs(self, epochs: int) -> int:
        """All of them."""
        return epochs

    def trunk_lr(self, lr: float, step: int) -> float:
        """`lr`; a run has no such part."""
        return lr

    def cooldown_lr(self, lr: float, step: int, *, start: int, total: int) -> float:
        """Up, then down, over the whole run."""
        top = self.rise * total
        if step < top:
            return lr * (step + 1) / (top + 1)
        return lr * _cosine((step - top) / (total - top))


def _warmup_factor(step: int, warmup_steps: int) -> float:
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def _cosine(progress: float) -> float:
    """Half a cosine, from 1 down to 0 while `progress` goes from 0 to 1."""
    return (1 + math.cos(math.pi * progress)) / 2


def _check_warmup(steps: int) -> None:
    if steps < 0:
        raise BadInput(
            f"optimizer.schedule.warmup_steps={steps}: type 0 or more, "
            "such as optimizer.schedule.warmup_steps=16"
        )


def _check_share(dial: str, share: float) -> None:
    if not 0 < share <= 1:
        raise BadInput(
            f"optimizer.schedule.{dial}={share}: type a share of the epochs above 0 and up to 1, "
            f"such as optimizer.schedule.{dial}=0.2"
        )

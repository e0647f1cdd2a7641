"""Optimizers as settings: of torch, and Lion of the package pytorch_optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from energy_sweep.optimizer.schedule import Schedule, Trunk
from energy_sweep.record import BadInput

# One call per step instead of several per parameter: a tenth of an epoch of a small net on a CPU.
FUSED = True


@runtime_checkable
class Optimizer(Protocol):
    """Settings of an optimizer: a frozen dataclass, so that it can be hashed and written.

    All that it learns must be tensors in its `state`, which is what is saved with the weights.
    """

    @property
    def name(self) -> str: ...

    @property
    def lr(self) -> float: ...

    @property
    def schedule(self) -> Schedule: ...

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        """The optimizer of all parameters of `module`, which decays weights only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SGD:
    """Stochastic gradient descent; weight decay is coupled to the gradient."""

    name: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)
        _check_share("momentum", self.momentum, 0.9)
        if self.nesterov and self.momentum == 0:
            raise BadInput(
                "optimizer.nesterov=true needs momentum: "
                "type optimizer.nesterov=false or optimizer.momentum=0.9"
            )

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            _groups(module, self.weight_decay),
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            fused=FUSED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam; weight decay is coupled to the gradient."""

    name: str = "adam"
    lr: float = 0.001
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(_groups(module, self.weight_decay), lr=lr, fused=FUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    """Adam with weight decay that is decoupled from the gradient."""

    name: str = "adamw"
    lr: float = 0.001
    weight_decay: float = 0.01
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(_groups(module, self.weight_decay), lr=lr, fused=FUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RMSprop:
    """Gradients over the root of their mean square, which forgets at the rate `alpha`."""

    name: str = "rmsprop"
    lr: float = 0.001
    alpha: float = 0.99
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)
        _check_share("alpha", self.alpha, 0.99)
        _check_share("momentum", self.momentum, 0.9)

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        groups = _groups(module, self.weight_decay)
        return torch.optim.RMSprop(groups, lr=lr, alpha=self.alpha, momentum=self.momentum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adagrad:
    """Gradients over the root of the sum of all their squares."""

    name: str = "adagrad"
    lr: float = 0.01
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(_groups(module, self.weight_decay), lr=lr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lion:
    """The sign of a momentum: half the state of Adam (Chen et al. 2023), decoupled decay."""

    name: str = "lion"
    lr: float = 0.0003
    weight_decay: float = 0.01
    schedule: Schedule = field(default_factory=Trunk)

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)

    def build(self, module: nn.Module, lr: float) -> torch.optim.Optimizer:
        try:
            import pytorch_optimizer
        except ImportError as error:
            raise BadInput(
                "optimizer=lion needs a package: type pip install 'energy-sweep[optimizers]'"
            ) from error
        return pytorch_optimizer.Lion(
            _groups(module, self.weight_decay), lr=lr, weight_decouple=True
        )


def _check(lr: float, weight_decay: float) -> None:
    if not (lr > 0 and math.isfinite(lr)):
        raise BadInput(f"optimizer.lr={lr}: type a positive number, such as optimizer.lr=0.01")
    if not (weight_decay >= 0 and math.isfinite(weight_decay)):
        raise BadInput(
            f"optimizer.weight_decay={weight_decay}: type 0 or a positive number, "
            "such as optimizer.weight_decay=0.0005"
        )


def _check_share(dial: str, share: float, example: float) -> None:
    if not 0 <= share < 1:
        raise BadInput(
            f"optimizer.{dial}={share}: type a number from 0 to below 1, "
            f"such as optimizer.{dial}={example}"
        )


def _groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with their decay: biases and norm layers, which have one dimension, have none."""
    weights = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]

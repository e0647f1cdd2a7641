"""What an export imports and compiles, which is no configuration's cost: done on a tiny net."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from energy_sweep.runtime.base import RuntimeData

# What has been warmed up in this process, whichever study it was for.
_warm: set[str] = set()


def once(name: str, work: Callable[[], object]) -> None:
    """Do what warms something up, where this process has not done it."""
    if name not in _warm:
        work()
        _warm.add(name)


def tiny_net(data: RuntimeData) -> nn.Module:
    """The least network of these images."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(data.shape), 2)).eval()

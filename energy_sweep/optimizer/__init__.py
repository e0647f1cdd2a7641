"""Optimizers and their learning rates, as in conf/optimizer; torch is loaded with the first."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from energy_sweep.optimizer.optimizers import SGD as SGD
    from energy_sweep.optimizer.optimizers import Adagrad as Adagrad
    from energy_sweep.optimizer.optimizers import Adam as Adam
    from energy_sweep.optimizer.optimizers import AdamW as AdamW
    from energy_sweep.optimizer.optimizers import Lion as Lion
    from energy_sweep.optimizer.optimizers import Optimizer as Optimizer
    from energy_sweep.optimizer.optimizers import RMSprop as RMSprop


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module("energy_sweep.optimizer.optimizers"), name)

"""Unstructured pruning: the smallest weights become zero, and stay it.

Dense kernels take as long for a zero as for any number, so this saves no joules of inference. It
shows what accuracy a sparsity costs, for hardware that could use it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from energy_sweep.compression.base import (
    Batches,
    Round,
    Technique,
    When,
    spread_rounds,
)
from energy_sweep.compression.checks import check_choice, check_recover_epochs
from energy_sweep.record import JsonDict

if TYPE_CHECKING:
    from torch import Tensor, nn

    from energy_sweep.compression.hooks import TrainingHook

# The share of training after which the sparsity is whole, so that a quarter is left to recover in.
RAMP = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnitude(Technique):
    """Zeroes the weights of least magnitude, of all layers together or the same share of each.

    After training it does so at once or in `iterations` rounds, each recovered; during training,
    epoch by epoch along a cubic ramp (Zhu and Gupta 2017).
    """

    one_process: ClassVar[bool] = True
    scope: Literal["global", "layer"] = "global"
    act: Literal["after", "during"] = "after"
    iterations: int = 1
    recover_epochs: int = 3
    name: str = "magnitude"

    def __post_init__(self) -> None:
        check_choice("compression.scope", self.scope, ("global", "layer"))
        check_choice("compression.act", self.act, ("after", "during"))
        check_recover_epochs(self.recover_epochs, self.iterations)

    @property
    def when(self) -> When:  # type: ignore[override]
        return self.act

    @property
    def knows_horizon(self) -> bool:  # type: ignore[override]
        return self.act == "during"

    def rounds(self, level: float) -> tuple[Round, ...]:
        if self.act == "during":
            return ()
        return spread_rounds(
            self, self.effective_level(level), self.iterations, self.recover_epochs
        )

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> TrainingHook | None:
        from energy_sweep.compression.masks import MaskHook, mask_smallest

        if self.act == "after":
            return MaskHook()
        part = ramp(level, progress)
        return MaskHook(partial(mask_smallest, sparsity=part, scope=self.scope))

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
    ) -> tuple[nn.Module, JsonDict]:
        """A copy with zeros in it; `level` is relative to the weights that are not zero yet."""
        from energy_sweep.compression.masks import mask_smallest, sparsity, sparsity_by_layer

        self.check(level)
        masked = copy.deepcopy(module)
        before = sparsity(module)
        mask_smallest(masked, 1 - (1 - before) * (1 - level), self.scope)
        after = sparsity(masked)
        removed = 1 - (1 - after) / (1 - before) if before < 1 else 0.0
        by_layer = sparsity_by_layer(masked)
        return masked, {
            "removed_weight_bits": removed,
            "sparsity": after,
            "sparsity_by_layer": by_layer,
        }


def ramp(level: float, progress: float) -> float:
    """The sparsity that an epoch after the share `progress` of training has."""
    left = max(0.0, 1 - progress / RAMP)
    return level * (1 - left**3)

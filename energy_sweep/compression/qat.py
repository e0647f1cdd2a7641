"""Training that knows of int8: the net recovers while it computes as its int8 file will."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from energy_sweep.compression.base import (
    Batches,
    Round,
    Technique,
    When,
)
from energy_sweep.compression.checks import check_recover_epochs
from energy_sweep.compression.quantize import LEVEL, Quantize
from energy_sweep.record import BadInput, JsonDict

if TYPE_CHECKING:
    from torch import Tensor, nn

    from energy_sweep.compression.hooks import TrainingHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding(Technique):
    """The first half of `qat`: the weights stay as they are, and recover under rounding."""

    when: ClassVar[When] = "after"
    one_process: ClassVar[bool] = True
    name: str = "rounding"

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> TrainingHook | None:
        from energy_sweep.compression.fake_quantize import FakeQuantize

        return FakeQuantize()

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
    ) -> tuple[nn.Module, JsonDict]:
        return copy.deepcopy(module), {"removed_weight_bits": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Qat(Quantize):
    """Recovers for a few epochs with rounded weights and activations, then does as `quantize`."""

    recover_epochs: int = 3
    name: str = "qat"

    def __post_init__(self) -> None:
        Quantize.__post_init__(self)
        check_recover_epochs(self.recover_epochs)
        if self.recover_epochs < 1:
            raise BadInput(
                "compression.recover_epochs=0: qat has nothing to train then: type"
                " compression.recover_epochs=3, or compression=quantize"
            )

    def rounds(self, level: float) -> tuple[Round, ...]:
        """The recovery, and the int8 file, which is the one that `quantize` would make."""
        if not self.effective_level(level):
            return ()
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(Quantize)}
        quantize = Quantize(**{**own, "name": "quantize"})
        return (
            Round(technique=Rounding(), level=LEVEL, recover_epochs=self.recover_epochs),
            Round(technique=quantize, level=LEVEL),
        )

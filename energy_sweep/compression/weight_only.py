"""Weights stored as integers: a smaller file, the same arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import Technique, When
from energy_sweep.record import JsonDict

if TYPE_CHECKING:
    from torch import nn

# Of 32 bits, what is removed when 8 or 4 are left.
BITS = {0.75: 8, 0.875: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightOnly(Technique):
    """Stores weights in 8 bits (level .75) or 4 (.875), with a scale for each channel.

    They are turned into floats when the file is loaded, so this saves bytes and no joules.
    """

    when: ClassVar[When] = "export"
    runtimes: ClassVar[tuple[str, ...] | None] = ("onnxruntime", "openvino")
    name: str = "weight_only"

    def effective_level(self, level: float, model: Any = None) -> float:
        """The nearer of the two levels that there are."""
        return min(BITS, key=lambda known: abs(known - level)) if level else 0.0

    def lower(
        self,
        source: Path,
        target: Path,
        level: float,
        *,
        module: nn.Module,
        data: Any,
        runtime: Any,
    ) -> JsonDict:
        """Write the file with integers for weights."""
        from energy_sweep.runtime.int8 import store_weights, weight_bytes

        target.parent.mkdir(parents=True, exist_ok=True)
        store_weights(source, target, bits=BITS[self.effective_level(level)])
        return {
            "removed_weight_bits": 1 - weight_bytes(target) / weight_bytes(source),
            "weight_bits": BITS[self.effective_level(level)],
        }

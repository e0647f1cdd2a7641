"""Numbers of 16 bits: half the file, and arithmetic of half the width where there is such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from energy_sweep.compression.base import Technique, When
from energy_sweep.compression.checks import check_choice
from energy_sweep.record import Infeasible, JsonDict
from energy_sweep.runtime.base import Mismatch

if TYPE_CHECKING:
    from torch import nn

NUMBERS = ("auto", "bf16", "fp16")
LEVEL = 0.5  # of 32 bits, 16 are left
IMAGES, BATCH = 256, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Halve(Technique):
    """Stores and computes in bf16, on a GPU in fp16; `number` fixes which."""

    when: ClassVar[When] = "export"
    runtimes: ClassVar[tuple[str, ...] | None] = ("openvino", "inductor")
    number: Literal["auto", "bf16", "fp16"] = "auto"
    name: str = "halve"

    def __post_init__(self) -> None:
        check_choice("compression.number", self.number, NUMBERS)

    def check_where(self, runtime: Any, device_name: str) -> None:
        # The zero-argument super() does not survive the class that slots=True builds anew.
        Technique.check_where(self, runtime, device_name)
        runtime.check_half(self._number(runtime))

    def effective_level(self, level: float, model: Any = None) -> float:
        """16 bits are the one level there is."""
        return LEVEL if level else 0.0

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
        """Write the file in 16 bits, and say how often it answers as before.

        Raises Infeasible where 16 bits are too few for this network.
        """
        number = self._number(runtime)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            runtime.halve(source, target, number, module, data)
        except Mismatch as error:
            raise Infeasible(f"in {number} the network answers otherwise: {error}") from error
        images = data.train.images[:IMAGES]
        sessions = [runtime.open_quickly(path) for path in (source, target)]
        before, after = (one.predict(images, BATCH).argmax(axis=1) for one in sessions)
        return {
            "removed_weight_bits": LEVEL,
            "number": number,
            "agreement_with_float": float((before == after).mean()),
        }

    def _number(self, runtime: Any) -> str:
        return runtime.half if self.number == "auto" else self.number

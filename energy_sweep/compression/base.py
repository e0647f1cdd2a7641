"""What a compression is: a frozen setting that reshapes a network and never trains it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from energy_sweep.record import BadInput, Plain

if TYPE_CHECKING:
    from torch import Tensor, nn

When = Literal["none", "after", "during"]


class Compression(Protocol):
    """A technique at any level: the fraction in [0, 1) of the dense weight bits to remove.

    `when` says whether it acts `after` training (so that levels share a trunk), `during` it, or
    not at all; a technique that acts after training asks for `recover_epochs` of training.
    """

    @property
    def name(self) -> str: ...
    @property
    def when(self) -> When: ...
    @property
    def recover_epochs(self) -> int: ...

    def check(self, level: float) -> None:
        """Raise BadInput for a level that the technique cannot be asked for."""
        ...

    def snap(self, level: float) -> float:
        """The level that is really carried out when `level` is asked."""
        ...

    def shape(self, model: Any, level: float) -> Any:
        """The model part to build, for techniques that change it before it is built."""
        ...

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor
    ) -> tuple[nn.Module, Plain]:
        """The compressed network and what was achieved; `module` stays as it is.

        `example` is a normalised input [N, C, H, W]; the facts hold `removed_weight_bits`.
        """
        ...

    def after_step(self, module: nn.Module, progress: float) -> None:
        """Act on the network after an optimizer step; `progress` runs from 0 to 1."""
        ...

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        """The loss to train with, or None for the loop's own; `index` names the images."""
        ...

    def finish(self, module: nn.Module, data: Any) -> nn.Module:
        """The network to export, made from the trained one."""
        ...

    def finish_export(self, path: Path, data: Any) -> None:
        """Act on the exported graph, in place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A compression that changes nothing; techniques override what they do."""

    when: ClassVar[When] = "none"

    def check(self, level: float) -> None:
        if not 0 <= level < 1:  # refuses NaN too
            raise BadInput(
                f"compression.level={level:g}: type a number from 0 up to, but not, 1, "
                "such as compression.level=0.5"
            )

    def snap(self, level: float) -> float:
        return float(level)

    def shape(self, model: Any, level: float) -> Any:
        return model

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor
    ) -> tuple[nn.Module, Plain]:
        return module, {"removed_weight_bits": 0.0}

    def after_step(self, module: nn.Module, progress: float) -> None:
        return None

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        return None

    def finish(self, module: nn.Module, data: Any) -> nn.Module:
        return module

    def finish_export(self, path: Path, data: Any) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCompression(Technique):
    """The dense network: every level snaps to 0, and a level above it is refused."""

    recover_epochs: ClassVar[int] = 0
    name: str = "none"

    def check(self, level: float) -> None:
        # The zero-argument super() does not survive the class that slots=True builds anew.
        Technique.check(self, level)
        if level > 0:
            raise BadInput(
                f"compression.level={level:g} with compression=none: type compression.level=0, "
                f"or compression=prune compression.level={level:g}"
            )

    def snap(self, level: float) -> float:
        return 0.0

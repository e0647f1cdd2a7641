"""What a compression is: a frozen setting that reshapes a network and never trains it.

It is carried out in rounds. A round compresses the net that it begins with and asks for some epochs
of training back, so that iterative pruning and chains of techniques are sequences of rounds, and
those that begin alike share what they have in common.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from energy_sweep.record import BadInput, JsonDict

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from energy_sweep.compression.hooks import TrainingHook

When = Literal["none", "during", "after", "export"]
# Normalised images [B, C, H, W] of the training split and their classes [B], in a fixed order.
Batches = Callable[[], Iterator[tuple["Tensor", "Tensor"]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One pass of a technique at a `level` relative to the net that the round begins with."""

    technique: Technique
    level: float
    recover_epochs: int = 0


class Compression(Protocol):
    """A technique, or a chain of some, at any level: the fraction in [0, 1) of the dense weight
    bits to remove."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str:
        """The technique or the list of techniques, as a user types it."""
        ...

    @property
    def wants_teacher(self) -> bool:
        """Whether it learns from a trained net."""
        ...

    def check(self, level: float) -> None:
        """Raise BadInput for a level that the technique cannot be asked for."""
        ...

    def check_where(self, runtime: Any, device_name: str) -> None:
        """Raise BadInput where the technique has no kernels."""
        ...

    def suited(self, multiple: int | None) -> Any:
        """The same for a runtime that is cheapest where channels are multiples of `multiple`."""
        ...

    def effective_level(self, level: float, model: Any = None) -> float:
        """The level that is really carried out when `level` is asked, of the net `model` if that
        matters."""
        ...

    def canonical(self, level: float, model: Any = None) -> Any:
        """What the same net is also made by, with nothing in it that has no part at `level`."""
        ...

    def shape(self, model: Any, level: float) -> Any:
        """The model part to build, for techniques that change it before it is built."""
        ...

    def in_training(self, level: float) -> tuple[Technique, float] | None:
        """The technique that acts during training, and its level; None where none does."""
        ...

    def rounds(self, level: float) -> tuple[Round, ...]:
        """What is done after training, in order; empty at level 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A compression that changes nothing; techniques override what they do.

    `when` says whether it acts `during` training, `after` it (so that levels share a trunk), or on
    the `export`ed file. `runtimes` are those with kernels for it, None for all.
    """

    when: ClassVar[When] = "none"
    # One that acts during training by how much of it is done cannot share it with other horizons.
    knows_horizon: ClassVar[bool] = False
    # One that puts other layers in place of the net's own, so that its graph is another.
    restructures: ClassVar[bool] = False
    # One that wants a trained net to learn from.
    wants_teacher: ClassVar[bool] = False
    # One whose nets only a single process can train.
    one_process: ClassVar[bool] = False
    runtimes: ClassVar[tuple[str, ...] | None] = None
    name: str = "technique"

    @property
    def title(self) -> str:
        return self.name

    def check(self, level: float) -> None:
        if not 0 <= level < 1:  # refuses NaN too
            raise BadInput(
                f"compression.level={level:g}: type a number from 0 up to, but not, 1, "
                "such as compression.level=0.5"
            )

    def check_where(self, runtime: Any, device_name: str) -> None:
        if self.runtimes is not None and runtime.name not in self.runtimes:
            raise BadInput(
                f"compression={self.name} has no kernels under runtime={runtime.name}: "
                f"type runtime={'|'.join(self.runtimes)}"
            )

    def suited(self, multiple: int | None) -> Technique:
        if getattr(self, "channel_multiple", 0) is not None:
            return self  # it has no channels to choose, or was told
        settings: dict[str, Any] = {"channel_multiple": multiple}
        return dataclasses.replace(self, **settings)

    def effective_level(self, level: float, model: Any = None) -> float:
        return float(level)

    def canonical(self, level: float, model: Any = None) -> Technique:
        return self

    def shape(self, model: Any, level: float) -> Any:
        return model

    def in_training(self, level: float) -> tuple[Technique, float] | None:
        level = self.effective_level(level)
        return (self, level) if level and self.when == "during" else None

    def rounds(self, level: float) -> tuple[Round, ...]:
        level = self.effective_level(level)
        if not level or self.when not in ("after", "export"):
            return ()
        return (Round(technique=self, level=level, recover_epochs=self._recover_epochs),)

    @property
    def _recover_epochs(self) -> int:
        return getattr(self, "recover_epochs", 0)

    def check_net(self, module: nn.Module, level: float, *, example: Tensor) -> None:
        """Raise BadInput for a net that cannot be compressed so far, whatever its weights are;
        `example` is a normalised input [N, C, H, W]."""

    def start(self, module: nn.Module, level: float, generator: torch.Generator) -> None:
        """Change the fresh net in place, before it is trained."""

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> TrainingHook | None:
        """What acts in one epoch, None where nothing does; `progress` is the share of the training
        or recovery that is done before it, `teacher` its logits [train images, classes]."""
        return None

    def prepare(
        self, module: nn.Module, level: float, *, example: Tensor, batches: Batches | None = None
    ) -> tuple[nn.Module, JsonDict]:
        """The compressed network and what was achieved; `module` stays as it is.

        `example` is a normalised input [N, C, H, W]; the facts hold `removed_weight_bits`, the
        share of those of `module`.
        """
        return module, {"removed_weight_bits": 0.0}

    def restructure(self, module: nn.Module, facts: JsonDict) -> None:
        """Give a net as it was before `prepare` the layers that it has after, whatever their
        weights and widths; `facts` are those that `prepare` gave."""

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
        """Write the lowered form of the deployed file `source` of `module` to `target`, and give
        what was achieved, `removed_weight_bits` among it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCompression(Technique):
    """The dense network: every level snaps to 0, and a level above it is refused."""

    name: str = "none"

    def check(self, level: float) -> None:
        # The zero-argument super() does not survive the class that slots=True builds anew.
        Technique.check(self, level)
        if level > 0:
            raise BadInput(
                f"compression.level={level:g} with compression=none: type compression.level=0, "
                f"or compression=prune compression.level={level:g}"
            )

    def effective_level(self, level: float, model: Any = None) -> float:
        return 0.0


def spread_rounds(
    technique: Technique, level: float, iterations: int, recover_epochs: int
) -> tuple[Round, ...]:
    """The same relative level again and again, and the recovery spread over all iterations."""
    if not level:
        return ()
    each = 1 - (1 - level) ** (1 / iterations)
    ends = [recover_epochs * i // iterations for i in range(iterations + 1)]
    return tuple(
        Round(technique=technique, level=each, recover_epochs=after - before)
        for before, after in itertools.pairwise(ends)
    )

"""Sparse connectivity: a random part of the connections is missing from the start, for good."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from energy_sweep.compression.base import Technique, When
from energy_sweep.compression.checks import check_choice
from energy_sweep.record import BadInput

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from energy_sweep.compression.hooks import TrainingHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse(Technique):
    """Zeroes a random share of the weights before training and keeps it at zero.

    `uniform` leaves every layer the same share, `erdos_renyi` more to small layers, by the sum of
    their sizes over the product (Evci et al. 2020). A seed has a connectivity of its own.
    """

    when: ClassVar[When] = "during"
    one_process: ClassVar[bool] = True
    spread: Literal["uniform", "erdos_renyi"] = "erdos_renyi"
    pattern: Literal["any", "2:4"] = "any"
    name: str = "sparse"

    def __post_init__(self) -> None:
        check_choice("compression.spread", self.spread, ("uniform", "erdos_renyi"))
        check_choice("compression.pattern", self.pattern, ("any", "2:4"))

    def check_where(self, runtime: Any, device_name: str) -> None:
        if self.pattern == "2:4":
            raise BadInput(
                "compression.pattern=2:4: only GPUs have kernels for it, and no runtime here calls"
                " them: type compression.pattern=any"
            )

    def start(self, module: nn.Module, level: float, generator: torch.Generator) -> None:
        """Zero weights in place; the number in each layer is exact, which ones is random."""
        import torch

        from energy_sweep.compression.masks import weights

        layers = weights(module)
        shapes = {name: tuple(weight.shape) for name, weight in layers.items()}
        density = densities(shapes, 1 - level, self.spread)
        with torch.no_grad():
            for name, weight in layers.items():
                missing = round((1 - density[name]) * weight.numel())
                chosen = torch.randperm(weight.numel(), generator=generator)[:missing]
                mask = torch.zeros(weight.numel(), dtype=torch.bool)
                mask[chosen] = True
                weight[mask.view(weight.shape).to(weight.device)] = 0

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> TrainingHook | None:
        from energy_sweep.compression.masks import MaskHook

        return MaskHook()


def densities(
    shapes: Mapping[str, tuple[int, ...]], density: float, spread: str
) -> dict[str, float]:
    """The share of weights that each layer keeps, so that `density` of all are kept.

    Layers that would get more than all they have are left dense, and the others share the rest.
    """
    if spread == "uniform":
        return dict.fromkeys(shapes, density)
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    wish = {name: sum(shape) / math.prod(shape) for name, shape in shapes.items()}
    dense: set[str] = set()
    while True:
        left = density * sum(sizes.values()) - sum(sizes[name] for name in dense)
        open_ = [name for name in shapes if name not in dense]
        total = sum(wish[name] * sizes[name] for name in open_)
        scale = left / total if total else 0.0
        full = {name for name in open_ if scale * wish[name] > 1}
        if not full:
            return {name: 1.0 if name in dense else scale * wish[name] for name in shapes}
        dense |= full

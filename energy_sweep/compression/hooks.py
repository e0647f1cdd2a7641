"""What a technique does within an epoch of training, one object for each epoch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class TrainingHook:
    """Does nothing; techniques override what they do.

    Made anew for every epoch, so that whatever it remembers follows from the weights that the epoch
    begins with: a run that was killed and one that was not go on alike.
    """

    def begin(self, module: nn.Module) -> None:
        """Look at, or change, the network before the first step."""

    def forward(self, module: nn.Module, images: Tensor) -> Tensor | None:
        """The logits to train on, or None for those of `module` as it is."""
        return None

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        """The loss of a batch, or None for the loop's own; `index` are positions in the split."""
        return None

    def after_step(self, module: nn.Module) -> None:
        """Act on the weights after each update."""


class HookList(TrainingHook):
    """Several at once: all act on the weights, the last that has one gives logits or loss."""

    def __init__(self, parts: Sequence[TrainingHook]) -> None:
        self._parts = tuple(parts)

    def begin(self, module: nn.Module) -> None:
        for part in self._parts:
            part.begin(module)

    def forward(self, module: nn.Module, images: Tensor) -> Tensor | None:
        found = (part.forward(module, images) for part in reversed(self._parts))
        return next((logits for logits in found if logits is not None), None)

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        found = (part.loss(outputs, targets, index) for part in reversed(self._parts))
        return next((loss for loss in found if loss is not None), None)

    def after_step(self, module: nn.Module) -> None:
        for part in self._parts:
            part.after_step(module)

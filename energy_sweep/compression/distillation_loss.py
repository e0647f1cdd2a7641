"""The loss of a student."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from energy_sweep.compression.hooks import TrainingHook


class DistillationLoss(TrainingHook):
    """Mixes the divergence from a teacher's softened answers [train images, classes] with the
    cross-entropy; the square of the temperature keeps the size of their gradients alike."""

    def __init__(self, answers: Tensor, *, temperature: float, alpha: float) -> None:
        self._soft = functional.log_softmax(answers / temperature, dim=1)
        self._temperature, self._alpha = temperature, alpha

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        """The loss of a batch at the positions `index` of the training split."""
        own = functional.log_softmax(outputs.float() / self._temperature, dim=1)
        soft = functional.kl_div(own, self._soft[index], log_target=True, reduction="batchmean")
        hard = functional.cross_entropy(outputs, targets)
        return self._alpha * self._temperature**2 * soft + (1 - self._alpha) * hard

"""Knowledge distillation: a narrower net is trained on what a trained one answers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import Technique, When
from energy_sweep.compression.checks import check_multiple
from energy_sweep.record import BadInput
from energy_sweep.record.bounds import check_positive

if TYPE_CHECKING:
    from torch import Tensor

    from energy_sweep.compression.hooks import TrainingHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Distill(Technique):
    """Trains a student whose width is sqrt(1 - level) of the model's, on its teacher's answers.

    The loss is `alpha` parts of the divergence from the teacher's softened answers (Hinton et al.
    2015, at `temperature`) and 1 - alpha of the cross-entropy. Of widths that are numbers of
    channels, the nearest is taken whose layers have multiples of `channel_multiple`, None being
    what the runtime runs cheapest: others can cost more than the net at its full width.
    """

    when: ClassVar[When] = "during"
    wants_teacher: ClassVar[bool] = True
    one_process: ClassVar[bool] = True
    temperature: float = 4.0
    alpha: float = 0.9
    channel_multiple: int | None = None
    name: str = "distill"

    def __post_init__(self) -> None:
        check_multiple(self.channel_multiple)
        check_positive("compression.temperature", self.temperature, example=4)
        if not 0 <= self.alpha <= 1:
            raise BadInput(
                f"compression.alpha={self.alpha:g}: type a share from 0 to 1, such as"
                " compression.alpha=0.9"
            )

    def effective_level(self, level: float, model: Any = None) -> float:
        """The level of the width that the student has, where widths are whole numbers."""
        width = getattr(model, "width", None)
        if not level or not isinstance(width, int):
            return float(level)
        return 1 - (self.shape(model, level).width / width) ** 2

    def shape(self, model: Any, level: float) -> Any:
        """The student: the model at a smaller width."""
        if not level:
            return model
        width = getattr(model, "width", None)
        if width is None:
            raise BadInput(
                f"compression=distill: {model.name} has no width that a student could have less"
                " of: type model=small_cnn|resnet18|mobilenet_v2"
            )
        smaller = width * math.sqrt(1 - level)
        if isinstance(width, int):
            if round(smaller) < 1:
                raise BadInput(
                    f"compression.level={level:g}: of {model.name} at width {width} nothing would"
                    " be left: type a lower compression.level, or a higher model.width"
                )
            smaller = self._nearest(width, level, getattr(model, "channels_per_width", 1))
        return dataclasses.replace(model, width=smaller)

    def _nearest(self, width: int, level: float, channels_per_width: int) -> int:
        """The width whose share of the weights is nearest to what `level` leaves."""
        if self.channel_multiple is None:
            return round(width * math.sqrt(1 - level))
        step = max(1, self.channel_multiple // channels_per_width)
        while 1 < step >= width:
            step //= 2
        widths = range(step, width, step) or (width,)
        return min(widths, key=lambda one: (abs((one / width) ** 2 - (1 - level)), -one))

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> TrainingHook | None:
        from energy_sweep.compression.distillation_loss import DistillationLoss

        if teacher is None:
            raise ValueError("a student without a teacher")
        return DistillationLoss(teacher, temperature=self.temperature, alpha=self.alpha)

"""Knowledge distillation: a narrower net is trained on what a trained one answers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from energy_sweep.compression.base import Technique, When
from energy_sweep.record import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from energy_sweep.compression.acting import Acting


@dataclass(frozen=True, slots=True, kw_only=True)
class Distill(Technique):
    """Trains a student whose width is sqrt(1 - level) of the model's, on its teacher's answers.

    The loss is `alpha` parts of the divergence from the teacher's softened answers (Hinton et al.
    2015, at `temperature`) and 1 - alpha of the cross-entropy.
    """

    when: ClassVar[When] = "during"
    wants_teacher: ClassVar[bool] = True
    one_process: ClassVar[bool] = True
    temperature: float = 4.0
    alpha: float = 0.9
    name: str = "distill"

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise BadInput(
                f"compression.temperature={self.temperature:g}: type a number above 0, such as"
                " compression.temperature=4"
            )
        if not 0 <= self.alpha <= 1:
            raise BadInput(
                f"compression.alpha={self.alpha:g}: type a share from 0 to 1, such as"
                " compression.alpha=0.9"
            )

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
            smaller = round(smaller)
            if smaller < 1:
                raise BadInput(
                    f"compression.level={level:g}: of {model.name} at width {width} nothing would"
                    " be left: type a lower compression.level, or a higher model.width"
                )
        return dataclasses.replace(model, width=smaller)

    def acting(
        self, level: float, *, progress: float, teacher: Tensor | None = None
    ) -> Acting | None:
        from energy_sweep.compression.taught import Taught

        if teacher is None:
            raise ValueError("a student without a teacher")
        return Taught(teacher, temperature=self.temperature, alpha=self.alpha)

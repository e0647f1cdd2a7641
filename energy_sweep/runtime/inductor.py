"""torch's compiler, from the same programs as `eager`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from energy_sweep.record import BadInput
from energy_sweep.runtime.eager import Eager

if TYPE_CHECKING:
    from torch import Tensor

COMPILERS = ("g++", "clang++", "c++")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inductor(Eager):
    """Runs a deployed model as torch compiles it, once for all numbers of images.

    Compiled code is kept in torch's own cache; compiling is on the bill of what first asks for it.
    """

    name: str = "inductor"

    def check_here(self) -> None:
        """Raise BadInput where nothing compiles C++."""
        if self._where() == "cpu" and not any(shutil.which(name) for name in COMPILERS):
            raise BadInput(
                "runtime=inductor compiles C++, and finds no compiler: install g++, or type"
                " runtime=onnxruntime"
            )

    def _made(self, program: Any) -> Callable[[Tensor], Tensor]:
        """What is called for each batch."""
        import torch

        return torch.compile(program, dynamic=True)

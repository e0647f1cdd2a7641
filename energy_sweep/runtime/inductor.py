"""torch's compiler, from the same programs as `eager`."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energy_sweep.record import BadInput, digest
from energy_sweep.runtime.eager import Eager

if TYPE_CHECKING:
    from torch import Tensor, nn

    from energy_sweep.runtime.base import Images, RuntimeData
    from energy_sweep.runtime.pt2e import CalibratedProgram

COMPILERS = ("g++", "clang++", "c++")
INT8 = ("minmax", "percentile")  # ways to find ranges that torchao has
SIZES = 64  # batches of different sizes that one program is compiled for


@dataclass(frozen=True, slots=True, kw_only=True)
class Inductor(Eager):
    """Runs a deployed model as torch compiles it, for each number of images that it is asked.

    Compiled code is kept in torch's own cache; compiling is on the bill of what first asks for it.
    """

    name: str = "inductor"

    def check_here(self) -> None:
        """Raise BadInput where nothing compiles C++."""
        if self._torch_device() == "cpu" and not any(shutil.which(name) for name in COMPILERS):
            raise BadInput(
                "runtime=inductor compiles C++, and finds no compiler: install g++, or type"
                " runtime=onnxruntime"
            )

    def check_int8(self, method: str) -> None:
        """Raise BadInput for int8 that nothing here makes or computes."""
        if method not in INT8:
            raise BadInput(
                f"compression.calibration={method} is not known to runtime=inductor: type"
                f" compression.calibration={'|'.join(INT8)}"
            )
        if self._torch_device() != "cpu":
            raise BadInput(
                "runtime=inductor has kernels of int8 for the CPU only: type device=cpu, or"
                " compression=halve"
            )
        if importlib.util.find_spec("torchao") is None:
            raise BadInput("int8 under runtime=inductor: type pip install 'energy-sweep[torchao]'")

    def calibrate(
        self,
        source: Path,
        images: Images,
        folder: Path,
        *,
        method: str,
        module: nn.Module,
        data: RuntimeData,
    ) -> CalibratedProgram:
        """`module`, whose program is at `source`, to be written in int8."""
        from energy_sweep.runtime.pt2e import CalibratedProgram

        return CalibratedProgram(module, data, images, method=method)

    def graph_key(self, path: Path, threads: int) -> str:
        """Name of the program's graph as it is compiled, whatever its weights are."""
        return digest([Eager.graph_key(self, path, threads), "a batch size at a time"])

    def _prepare_program(self, program: Any) -> Callable[[Tensor], Tensor]:
        """What is called for each batch."""
        import torch

        from energy_sweep.runtime.pt2e import is_int8

        # Past its limit of sizes, torch would go on uncompiled, and not say so.
        torch._dynamo.config.recompile_limit = SIZES
        torch._dynamo.config.fail_on_recompile_limit_hit = True
        compiled = torch.compile(program, dynamic=False)
        return _freeze_weights(compiled) if is_int8(program) else compiled


def _freeze_weights(compiled: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same, with its weights packed into the compiled code, as kernels of int8 want them.

    Floats stay outside, so that one compilation serves all weights of an architecture.
    """
    import torch
    from torch._inductor import config

    seen = set[torch.Size]()

    def run(pixels: Tensor) -> Tensor:
        if pixels.shape in seen:
            return compiled(pixels)
        seen.add(pixels.shape)
        with config.patch(freezing=True), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "To copy construct from a tensor")
            return compiled(pixels)

    return run

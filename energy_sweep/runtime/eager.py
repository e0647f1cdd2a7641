"""torch itself, operation by operation, from its own exported programs."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from energy_sweep.hardware.cpu import vector_floats
from energy_sweep.hardware.threads import threads
from energy_sweep.record import BadInput
from energy_sweep.runtime.compare import HALF_TOLERANCE, compare
from energy_sweep.runtime.warm_up import once, tiny_net

if TYPE_CHECKING:
    from torch import Tensor, nn

    from energy_sweep.runtime.base import Images, Logits, RuntimeData


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchSession:
    """A program, loaded onto a device, that runs on so many of the CPU's threads."""

    program: Callable[[Tensor], Tensor]
    device: str
    threads: int

    def predict(self, images: Images, batch: int) -> Logits:
        """Logits [N, classes] of uint8 images [N, C, H, W], computed `batch` at a time."""
        import torch

        starts = range(0, len(images), batch) if len(images) else [0]
        with threads(self.threads), torch.no_grad():
            return np.concatenate([self._predict_batch(images[i : i + batch]) for i in starts])

    def _predict_batch(self, images: Images) -> Logits:
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(images))
        return self.program(pixels.to(self.device)).cpu().numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Eager:
    """Runs a deployed model as torch runs any, on the CPU or on a GPU.

    `device` is that of the training: cpu, cuda, or auto for a GPU where there is one.
    """

    suffix: ClassVar[str] = ".pt2"
    device: str = "auto"
    name: str = "eager"

    @property
    def version(self) -> str:
        """Name and version of the library that executes, found without importing it."""
        return f"torch {importlib.metadata.version('torch')}"

    def check_here(self) -> None:
        """Nothing is missing: torch comes with the program."""

    @property
    def channel_multiple(self) -> int:
        """The channels of a block: oneDNN's on a CPU, those that tensor cores take on a GPU."""
        return 8 if self._torch_device() == "cuda" else vector_floats()

    @property
    def half(self) -> str:
        """The numbers of 16 bits that it computes with."""
        return "fp16" if self._torch_device() == "cuda" else "bf16"

    def check_half(self, number: str) -> None:
        """Raise BadInput for numbers of 16 bits that a processor emulates."""
        if number == "fp16" and self._torch_device() == "cpu":
            raise BadInput(
                "compression.number=fp16: processors emulate it, slower than fp32: type"
                " compression.number=bf16, or device=cuda"
            )

    def warm_up(self, module: nn.Module, data: RuntimeData, folder: Path) -> None:
        """Import and compile what exports, once per process, by a file in `folder`."""
        tiny = folder / f"tiny{self.suffix}"
        once(self.name, lambda: self.export(tiny_net(data), data, path=tiny))

    def export(self, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` as a program that takes any number of images, checked against it."""
        from energy_sweep.runtime.program import make_program

        self._write(make_program(module, data), module, data, path)

    def rewrite(self, template: Path, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` to `path` as a copy of the exported `template` with other weights.

        Raises Mismatch where their shapes or logits differ; `path` is then left alone.
        """
        from energy_sweep.runtime.program import load_program, swap_weights

        program = load_program(template)
        swap_weights(program, module, data)
        self._write(program, module, data, path)

    def halve(
        self, source: Path, target: Path, number: str, module: nn.Module, data: RuntimeData
    ) -> None:
        """Write `module` as a program that computes in bf16, or fp16."""
        import torch

        from energy_sweep.runtime.program import make_program

        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[number]
        self._write(make_program(module, data, dtype), module, data, target, HALF_TOLERANCE)

    def check(self, path: Path, module: nn.Module, data: RuntimeData) -> None:
        """Raise Mismatch unless the program gives the logits of `module` on real images."""
        compare(lambda: self.open_quickly(path), module, data)

    def open(self, path: Path, threads: int) -> TorchSession:
        """Load the program at `path`, its weights channels last."""
        import torch

        from energy_sweep.runtime.program import load_program

        device, loaded = self._torch_device(), load_program(path).module().to(self._torch_device())
        for value in loaded.parameters():
            if value.ndim == 4:
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        return TorchSession(program=self._prepare_program(loaded), device=device, threads=threads)

    def open_quickly(self, path: Path) -> TorchSession:
        """Load the program at `path` on one thread of the CPU, as it is."""
        from energy_sweep.runtime.program import load_program

        return self._open_on_cpu(load_program(path))

    def graph_key(self, path: Path, threads: int) -> str:
        """Name of the program's graph, whatever its weights are."""
        from energy_sweep.runtime.program import load_program, program_digest

        return program_digest(load_program(path))

    def _torch_device(self) -> str:
        import torch

        return "cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu"

    def _prepare_program(self, program: Any) -> Callable[[Tensor], Tensor]:
        """What is called for each batch."""
        return program

    def _open_on_cpu(self, program: Any) -> TorchSession:
        return TorchSession(program=program.module(), device="cpu", threads=1)

    def _write(
        self,
        program: Any,
        module: nn.Module,
        data: RuntimeData,
        path: Path,
        *tolerance: float,
    ) -> None:
        from energy_sweep.runtime.program import save_program

        compare(lambda: self._open_on_cpu(program), module, data, *tolerance)
        save_program(program, path)

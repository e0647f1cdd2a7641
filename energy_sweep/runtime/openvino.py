"""OpenVINO on the CPU, from the same ONNX files."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from energy_sweep.record import BadInput
from energy_sweep.record.files import write_whole
from energy_sweep.runtime.compare import HALF_TOLERANCE, compare
from energy_sweep.runtime.onnx_file import OnnxFiles

if TYPE_CHECKING:
    from torch import nn

    from energy_sweep.runtime.base import Images, Logits, RuntimeData

DEVICE = "CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVinoSession:
    """A graph that OpenVINO compiles for each number of images that it is asked, when it first is.

    `arithmetic` is f32 or bf16: left to itself, OpenVINO takes bf16 wherever a processor has it.
    """

    graph: str | bytes
    threads: int
    arithmetic: str
    compiled: dict[int, Any] = field(default_factory=dict[int, Any])

    def predict(self, images: Images, batch: int) -> Logits:
        """Logits [N, classes] of uint8 images [N, C, H, W], computed `batch` at a time."""
        if not len(images):
            return np.empty((0, self._request(1).get_output_tensor(0).shape[1]), np.float32)
        found = list[Any]()
        for start in range(0, len(images), batch):
            some = np.ascontiguousarray(images[start : start + batch])
            answer = self._request(len(some)).infer({0: some}, share_inputs=True)
            found.append(np.array(answer[0], np.float32))
        return np.concatenate(found)

    def _request(self, count: int) -> Any:
        if count not in self.compiled:
            import openvino

            core = openvino.Core()
            model = core.read_model(self.graph)
            images = model.input(0)
            images_shape = images.partial_shape
            images_shape[0] = count
            model.reshape({images: images_shape})
            settings: dict[str, Any] = {
                "INFERENCE_PRECISION_HINT": self.arithmetic,
                "INFERENCE_NUM_THREADS": self.threads,
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,
            }
            self.compiled[count] = core.compile_model(
                model, DEVICE, settings
            ).create_infer_request()
        return self.compiled[count]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVino(OnnxFiles):
    """Runs a deployed model on the CPU by OpenVINO, in fp32 unless its file is of bf16."""

    half: ClassVar[str] = "bf16"  # the numbers of 16 bits that it computes with
    name: str = "openvino"

    @property
    def version(self) -> str:
        """Name and version of the library that executes, found without importing it."""
        return f"openvino {importlib.metadata.version('openvino')}"

    def check_here(self) -> None:
        """Raise BadInput where the library is missing."""
        if importlib.util.find_spec("openvino") is None:
            raise BadInput("runtime=openvino: type pip install 'energy-sweep[openvino]'")

    def check_half(self, number: str) -> None:
        """Raise BadInput for numbers of 16 bits that nothing here computes with."""
        import openvino

        if number == "fp16":
            raise BadInput(
                "compression.number=fp16: processors emulate it, slower than fp32: type"
                " compression.number=bf16"
            )
        if "BF16" not in openvino.Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES"):
            raise BadInput(
                "compression=halve: this processor has no bf16 instructions, and OpenVINO would"
                " compute in fp32: type runtime=inductor, or compression=quantize"
            )

    def halve(
        self, source: Path, target: Path, number: str, module: nn.Module, data: RuntimeData
    ) -> None:
        """Write the file with weights of bf16, which is then what is computed in.

        Raises Mismatch where it answers otherwise than the network by more than bf16 may.
        """
        from energy_sweep.runtime.bfloat16 import to_bf16

        content = to_bf16(source)
        compare(lambda: self.load(content, 1), module, data, HALF_TOLERANCE)
        write_whole(target, content)

    def load(self, graph: str | bytes, threads: int) -> OpenVinoSession:
        """Load a graph from a file by its name, or from its bytes."""
        from energy_sweep.runtime.bfloat16 import is_half

        arithmetic = "bf16" if is_half(graph) else "f32"
        return OpenVinoSession(graph=graph, threads=threads, arithmetic=arithmetic)

    def graph_key(self, path: Path, threads: int) -> str:
        """Name of the graph as it is in the file, without the values of its weights."""
        import onnx

        from energy_sweep.runtime.graph import graph_digest

        return graph_digest(onnx.load(path).graph)

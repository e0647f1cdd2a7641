"""ONNX Runtime on the CPU."""

from __future__ import annotations

import importlib.metadata
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from energy_sweep.runtime.graph import graph_digest
from energy_sweep.runtime.onnx_file import OnnxFiles

if TYPE_CHECKING:
    import onnxruntime

    from energy_sweep.runtime.base import Images, Logits


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxSession:
    """A graph loaded by ONNX Runtime."""

    session: onnxruntime.InferenceSession

    def predict(self, images: Images, batch: int) -> Logits:
        """Logits [N, classes] of uint8 images [N, C, H, W], computed `batch` at a time."""
        logits = np.empty((len(images), self.session.get_outputs()[0].shape[1]), np.float32)
        for start in range(0, len(images), batch):
            some = np.ascontiguousarray(images[start : start + batch])
            found = self.session.run(["logits"], {"images": some})[0]
            logits[start : start + batch] = np.asarray(found)
        return logits


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRuntime(OnnxFiles):
    """Runs a deployed model on the CPU by ONNX Runtime."""

    name: str = "onnxruntime"

    @property
    def version(self) -> str:
        """Name and version of the library that executes, found without importing it."""
        return f"onnxruntime {importlib.metadata.version('onnxruntime')}"

    def check_here(self) -> None:
        """Nothing is missing: the library comes with the program."""

    def load(self, graph: str | bytes, threads: int) -> OnnxSession:
        """Load a graph from a file by its name, or from its bytes."""
        return OnnxSession(session=_session(graph, _options(threads)))

    def graph_key(self, path: Path, threads: int) -> str:
        """Name of the graph as optimised for this machine, without the values of its weights."""
        import onnx

        options = _options(threads)
        with tempfile.TemporaryDirectory() as folder:
            lowered = Path(folder) / "lowered.onnx"
            options.optimized_model_filepath = str(lowered)
            _session(str(path), options)
            return graph_digest(onnx.load(lowered).graph)


def _options(threads: int) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # A spinning thread would be billed for waiting.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _session(
    graph: str | bytes, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    import onnxruntime

    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

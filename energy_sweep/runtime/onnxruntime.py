"""ONNX Runtime: exports by torch's exporter, weight swaps in exported files, CPU sessions."""

from __future__ import annotations

import contextlib
import copy
import importlib.metadata
import io
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from energy_sweep.record import Infeasible
from energy_sweep.runtime.base import Mismatch
from energy_sweep.runtime.graph import BATCH, drop_notes, free_widths, graph_digest, swap_weights

if TYPE_CHECKING:
    import onnx
    import onnxruntime
    from torch import nn

    from energy_sweep.runtime.base import Data, Images, Logits

FOLDS = "energy_sweep.folds"
CHECK_IMAGES = 8
TOLERANCE = 1e-4  # of the largest logit


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
class OnnxRuntime:
    """Runs a deployed model on the CPU by ONNX Runtime."""

    name: str = "onnxruntime"

    @property
    def version(self) -> str:
        """Name and version of the library that executes, found without importing it."""
        return f"onnxruntime {importlib.metadata.version('onnxruntime')}"

    def export(self, module: nn.Module, data: Data, path: Path) -> None:
        """Write `module` to one ONNX file that takes any number of images, checked against it."""
        from energy_sweep.runtime.folding import Deployed, find_folds, folded, scramble

        folds = find_folds(module)
        network = Deployed(folded(module, folds), data.mean, data.std).eval()
        try:
            # The exporter drops a bias of zeros and the like. Made from other weights, the graph
            # follows from the architecture alone.
            model = _trace(scramble(copy.deepcopy(network)), data)
            swap_weights(model, _weights(module, data, folds))
        except Mismatch:
            model = _trace(network, data)
        model.metadata_props.add(key=FOLDS, value=json.dumps(folds))
        _write(model, module, data=data, path=path)

    def rewrite(self, template: Path, module: nn.Module, data: Data, path: Path) -> None:
        """Write `module` to `path` as a copy of the exported `template` with other weights.

        Layers may have other widths than the template's. Raises Mismatch where a name is missing
        or left over, or where the logits differ; `path` is then left alone.
        """
        import onnx

        model = onnx.load(template)
        notes = {note.key: note.value for note in model.metadata_props}
        if FOLDS not in notes:
            raise Mismatch(f"{template.name} was not exported by energy_sweep")
        swap_weights(model, _weights(module, data, json.loads(notes[FOLDS])))
        _write(model, module, data=data, path=path)

    def check(self, path: Path, module: nn.Module, data: Data) -> None:
        """Raise Mismatch unless the graph gives the logits of `module` on real images.

        Infeasible where the network's own logits are not finite.
        """
        _compare(str(path), module, data)

    def open(self, path: Path, threads: int) -> OnnxSession:
        """Load the graph at `path`."""
        return OnnxSession(session=_session(str(path), _options(threads)))

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


def _trace(network: nn.Module, data: Data) -> onnx.ModelProto:
    """The graph of a deployed network, which takes any number of images."""
    import torch

    # Two images, since the exporter takes a batch of one for a constant.
    example = torch.zeros((2, *data.shape), dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: BATCH},),
            verbose=False,
        )
    if program is None:
        raise Mismatch("torch gave no graph to export")
    model = program.model_proto
    free_widths(model)
    drop_notes(model)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _weights(
    module: nn.Module, data: Data, folds: Mapping[str, str]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The floating-point tensors of the deployed network by name."""
    from energy_sweep.runtime.folding import Deployed, folded_state

    try:
        state = folded_state(module, folds)
    except LookupError as error:
        raise Mismatch(f"the template folds norms that the network lacks: {error}") from error
    pixels = Deployed(module, data.mean, data.std)
    named = {f"network.{name}": value for name, value in state.items()}
    named |= {"mean": pixels.mean, "std": pixels.std}
    return {name: value.numpy() for name, value in named.items() if value.is_floating_point()}


def _write(model: onnx.ModelProto, module: nn.Module, *, data: Data, path: Path) -> None:
    content = model.SerializeToString(deterministic=True)
    _compare(content, module, data)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _compare(graph: str | bytes, module: nn.Module, data: Data) -> None:
    import torch

    from energy_sweep.runtime.folding import logits

    images = np.ascontiguousarray(data.train.images[:CHECK_IMAGES])
    answer = logits(module, torch.from_numpy(images), mean=data.mean, std=data.std).numpy()
    if not np.isfinite(answer).all():
        raise Infeasible("the trained network gives logits that are not finite")
    try:
        found = OnnxSession(session=_session(graph, _options(1))).predict(images, len(images))
    except Exception as error:  # ONNX Runtime has no base class of its own errors
        raise Mismatch(f"the graph does not run: {error}") from error
    if found.shape != answer.shape:
        raise Mismatch(f"the graph gives logits {found.shape}, the network {answer.shape}")
    difference = float(np.abs(found - answer).max(initial=0))
    scale = float(np.abs(answer).max(initial=0))
    if not difference <= TOLERANCE * scale:
        raise Mismatch(f"logits differ by {difference:.2g}, and their largest is {scale:.2g}")

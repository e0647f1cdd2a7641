"""ONNX files: exported, given other weights, compared with their networks."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from energy_sweep.hardware.cpu import vector_floats
from energy_sweep.record.files import write_whole
from energy_sweep.runtime.base import Mismatch
from energy_sweep.runtime.compare import compare
from energy_sweep.runtime.graph import BATCH, drop_notes, free_widths, swap_weights
from energy_sweep.runtime.warm_up import once, tiny_net

if TYPE_CHECKING:
    import onnx
    from torch import nn

    from energy_sweep.runtime.base import Images, InferenceSession, RuntimeData
    from energy_sweep.runtime.int8 import CalibratedGraph

FOLDS = "energy_sweep.folds"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxFiles:
    """What runtimes that read ONNX files have in common; they say how a file is loaded."""

    suffix: ClassVar[str] = ".onnx"

    @property
    def channel_multiple(self) -> int:
        """The channels of a block: images are laid out in blocks of a vector each.

        ONNX Runtime and OpenVINO fill the last block up, and compute all of it. Where inputs are
        no multiple of 4, ONNX Runtime falls back to kernels that take twice as long.
        """
        return vector_floats()

    def load(self, graph: str | bytes, threads: int) -> InferenceSession:
        """Load a graph from a file by its name, or from its bytes."""
        raise NotImplementedError

    def warm_up(self, module: nn.Module, data: RuntimeData, folder: Path) -> None:
        """Import what exports `module`, once per process, by a file in `folder`."""
        tiny = tiny_net(data)
        once(
            type(self).__name__, lambda: self.export(tiny, data, path=folder / f"tiny{self.suffix}")
        )
        if not _is_known(module, data):
            once("torch.onnx", lambda: _trace(_deployed(tiny, data)[0], data))

    def export(self, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` to one ONNX file that takes any number of images, checked against it."""
        from energy_sweep.runtime.layer_graph import write_layers

        network, folds = _deployed(module, data)
        model = write_layers(network, data.shape)
        if model is not None:
            with contextlib.suppress(Mismatch):
                self._write(_noted(model, folds), module, data=data, path=path)
                return
        model = _traced(network, _weights(module, data, folds), data)
        self._write(_noted(model, folds), module, data=data, path=path)

    def rewrite(self, template: Path, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` to `path` as a copy of the exported `template` with other weights.

        Layers may have other widths than the template's. Raises Mismatch where a name is missing
        or left over, or where the logits differ; `path` is then left alone.
        """
        model = read_graph(template)
        notes = {note.key: note.value for note in model.metadata_props}
        if FOLDS not in notes:
            raise Mismatch(f"{template.name} was not exported by energy_sweep")
        swap_weights(model, _weights(module, data, json.loads(notes[FOLDS])))
        self._write(model, module, data=data, path=path)

    def check(self, path: Path, module: nn.Module, data: RuntimeData) -> None:
        """Raise Mismatch unless the graph gives the logits of `module` on real images.

        Infeasible where the network's own logits are not finite.
        """
        compare(lambda: self.open_quickly(path), module, data)

    def open(self, path: Path, threads: int) -> InferenceSession:
        """Load the graph at `path`."""
        return self.load(str(path), threads)

    def open_quickly(self, path: Path) -> InferenceSession:
        """Load the graph at `path` on one thread."""
        return self.open(path, 1)

    def check_int8(self, method: str) -> None:
        """Nothing is missing to calibrate by `method`."""

    def calibrate(
        self, source: Path, images: Images, folder: Path, *, method: str, **_: Any
    ) -> CalibratedGraph:
        """The graph at `source` with the ranges of its activations, kept in `folder`."""
        from energy_sweep.runtime.int8 import CalibratedGraph

        return CalibratedGraph(source, images, folder, method=method)

    def _write(
        self, model: onnx.ModelProto, module: nn.Module, *, data: RuntimeData, path: Path
    ) -> None:
        content = model.SerializeToString(deterministic=True)
        compare(lambda: self.load(content, 1), module, data)
        write_whole(path, content)


def read_graph(path: Path) -> onnx.ModelProto:
    """The graph in a file; Mismatch where it is none, or has its numbers in other files."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.external_data_helper import uses_external_data

    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise Mismatch(f"{path.name} is no graph: {error}") from error
    if any(map(uses_external_data, model.graph.initializer)):
        raise Mismatch(f"{path.name} has its numbers in other files")
    return model


def _deployed(module: nn.Module, data: RuntimeData) -> tuple[nn.Module, dict[str, str]]:
    """The network of pixels that is exported, and which norms are folded in it."""
    from energy_sweep.runtime.folding import DeployableNet, find_folds, fold_norms

    folds = find_folds(module)
    return DeployableNet(fold_norms(module, folds), data.mean, data.std).eval(), folds


def _is_known(module: nn.Module, data: RuntimeData) -> bool:
    """Whether a network can be written without torch's exporter."""
    from energy_sweep.runtime.layer_graph import write_layers

    try:
        return write_layers(_deployed(module, data)[0], data.shape) is not None
    except Exception:  # what is wrong with a net of others, its export will say
        return False


def _noted(model: onnx.ModelProto, folds: Mapping[str, str]) -> onnx.ModelProto:
    """The graph with a note of what is folded in it, which makes it a template."""
    model.metadata_props.add(key=FOLDS, value=json.dumps(folds))
    return model


def _traced(
    network: nn.Module, weights: Mapping[str, npt.NDArray[np.float32]], data: RuntimeData
) -> onnx.ModelProto:
    """The graph that torch's exporter writes, in seconds of a processor, of most networks."""
    from energy_sweep.runtime.folding import scramble

    try:
        # The exporter drops a bias of zeros and the like. Made from other weights, the graph
        # follows from the architecture alone.
        model = _trace(scramble(copy.deepcopy(network)), data)
        swap_weights(model, weights)
    except Mismatch:
        return _trace(network, data)
    return model


def _trace(network: nn.Module, data: RuntimeData) -> onnx.ModelProto:
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
    module: nn.Module, data: RuntimeData, folds: Mapping[str, str]
) -> dict[str, npt.NDArray[np.float32]]:
    """The floating-point tensors of the deployed network by name."""
    from energy_sweep.runtime.folding import DeployableNet, fold_state

    try:
        state = fold_state(module, folds)
    except LookupError as error:
        raise Mismatch(f"the template folds norms that the network lacks: {error}") from error
    pixels = DeployableNet(module, data.mean, data.std)
    named = {f"network.{name}": value for name, value in state.items()}
    named |= {"mean": pixels.mean, "std": pixels.std}
    return {name: value.numpy() for name, value in named.items() if value.is_floating_point()}
